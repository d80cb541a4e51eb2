// One offset for two inputs.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %k2 = aie.tile(0, 2)
    %k3 = aie.tile(0, 3)
    aie.objectfifo @p2(%k2, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p3(%k3, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<128xi32>>
    aie.objectfifo.link [@p2, @p3] -> [@out] ([0] [])
    aie.core(%k2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %os = aie.objectfifo.acquire @p2(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %os[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p2(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%k3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %os = aie.objectfifo.acquire @p3(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %os[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p3(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
  }
}
