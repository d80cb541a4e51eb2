// The mem tile sends every object three times.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @rep(%mem, {%core}, [2, 2]) {repeat_count = 3 : i32} : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@in] -> [@rep] ([] [])
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    func.func private @copy64(memref<64xi32>, memref<64xi32>) -> ()
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @rep(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @copy64(%i, %o) : (memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @rep(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<256xi32>, %b : memref<768xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 768][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<768xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 256][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<256xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
