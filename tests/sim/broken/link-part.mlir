// A part of 128 bytes for objects of 96.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %k2 = aie.tile(0, 2)
    %k3 = aie.tile(0, 3)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p2(%mem, {%k2}, [2, 2]) : !aie.objectfifo<memref<24xi32>>
    aie.objectfifo @p3(%mem, {%k3}, [2, 2]) : !aie.objectfifo<memref<32xi32>>
    aie.objectfifo.link [@in] -> [@p2, @p3] ([] [0, 32])
    aie.core(%k2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %xs = aie.objectfifo.acquire @p2(Consume, 1) : !aie.objectfifosubview<memref<24xi32>>
        %x = aie.objectfifo.subview.access %xs[0] : !aie.objectfifosubview<memref<24xi32>> -> memref<24xi32>
        aie.objectfifo.release @p2(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%k3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %xs = aie.objectfifo.acquire @p3(Consume, 1) : !aie.objectfifosubview<memref<32xi32>>
        %x = aie.objectfifo.subview.access %xs[0] : !aie.objectfifosubview<memref<32xi32>> -> memref<32xi32>
        aie.objectfifo.release @p3(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
  }
}
