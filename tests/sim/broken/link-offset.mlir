// The last part begins where the joined object ends.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %k2 = aie.tile(0, 2)
    %k3 = aie.tile(0, 3)
    %k4 = aie.tile(0, 4)
    %k5 = aie.tile(0, 5)
    aie.objectfifo @p2(%k2, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p3(%k3, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p4(%k4, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p5(%k5, {%mem}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<192xi32>>
    aie.objectfifo.link [@p2, @p3, @p4, @p5] -> [@out] ([0, 64, 128, 192] [])
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
    aie.core(%k4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %os = aie.objectfifo.acquire @p4(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %os[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p4(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%k5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %os = aie.objectfifo.acquire @p5(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %os[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p5(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
  }
}
