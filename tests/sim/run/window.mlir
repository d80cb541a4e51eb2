// A sliding window: each output is the sum of an object and the one before it. Acquire counts what is
// held, so of the two wanted one is new each time.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 3]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    func.func private @sum64(memref<64xi32>, memref<64xi32>, memref<64xi32>) -> ()
    %k = aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      %first = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 2) : !aie.objectfifosubview<memref<64xi32>>
        %i0 = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %i1 = aie.objectfifo.subview.access %iv[1] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @sum64(%i0, %i1, %o) : (memref<64xi32>, memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<512xi32>, %b : memref<448xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 448][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<448xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 512][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<512xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
