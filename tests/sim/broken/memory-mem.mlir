// Three objects of 256 KiB.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    aie.objectfifo @in(%shim, {%mem}, 3 : i32) : !aie.objectfifo<memref<65536xi32>>
    aie.objectfifo @out(%mem, {%shim}, 3 : i32) : !aie.objectfifo<memref<65536xi32>>
    aie.objectfifo.link [@in] -> [@out] ([] [])
    aie.runtime_sequence(%a : memref<65536xi32>, %b : memref<65536xi32>) {
      aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @out, id = 0 : i64} : memref<65536xi32>
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 65536][0, 0, 0, 1]) {metadata = @in, id = 1 : i64} : memref<65536xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
