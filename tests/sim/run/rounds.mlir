// Through a mem tile of three objects, whose input ends after two rounds.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    aie.objectfifo @in(%shim, {%mem}, 3 : i32) {iter_count = 2 : i32} : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%mem, {%shim}, 3 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@in] -> [@out] ([] [])
    aie.runtime_sequence(%x : memref<384xi32>, %y : memref<384xi32>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 384][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<384xi32>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][1, 1, 1, 384][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<384xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
