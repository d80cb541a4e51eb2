// Seven streams go up from the mem tile, which has six ports.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %k2 = aie.tile(0, 2)
    %k3 = aie.tile(0, 3)
    %k4 = aie.tile(0, 4)
    %k5 = aie.tile(0, 5)
    aie.objectfifo @all(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<384xi32>>
    aie.objectfifo @p2a(%mem, {%k2}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p2b(%mem, {%k2}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p3a(%mem, {%k3}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p3b(%mem, {%k3}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p4a(%mem, {%k4}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @p4b(%mem, {%k4}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@all] -> [@p2a, @p2b, @p3a, @p3b, @p4a, @p4b] ([] [0, 64, 128, 192, 256, 320])
    aie.objectfifo @direct(%shim, {%k5}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.core(%k2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %xs = aie.objectfifo.acquire @p2a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %x = aie.objectfifo.subview.access %xs[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ys = aie.objectfifo.acquire @p2b(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %y = aie.objectfifo.subview.access %ys[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p2a(Consume, 1)
        aie.objectfifo.release @p2b(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%k3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %xs = aie.objectfifo.acquire @p3a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %x = aie.objectfifo.subview.access %xs[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ys = aie.objectfifo.acquire @p3b(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %y = aie.objectfifo.subview.access %ys[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p3a(Consume, 1)
        aie.objectfifo.release @p3b(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%k4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %xs = aie.objectfifo.acquire @p4a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %x = aie.objectfifo.subview.access %xs[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ys = aie.objectfifo.acquire @p4b(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %y = aie.objectfifo.subview.access %ys[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @p4a(Consume, 1)
        aie.objectfifo.release @p4b(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%k5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %xs = aie.objectfifo.acquire @direct(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %x = aie.objectfifo.subview.access %xs[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        aie.objectfifo.release @direct(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
  }
}
