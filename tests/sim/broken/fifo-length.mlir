// One transfer at a mem tile has at most 131071 words.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1) {allocation_scheme = "basic-sequential"}
    aie.objectfifo @in(%shim, {%mem}, 1 : i32) : !aie.objectfifo<memref<131072xi32>>
    aie.objectfifo @out(%mem, {%shim}, 1 : i32) : !aie.objectfifo<memref<131072xi32>>
    aie.objectfifo.link [@in] -> [@out] ([] [])
    aie.runtime_sequence(%a : memref<131072xi32>, %b : memref<131072xi32>) {
      aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @out, id = 0 : i64} : memref<131072xi32>
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 131072][0, 0, 0, 1]) {metadata = @in, id = 1 : i64} : memref<131072xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
