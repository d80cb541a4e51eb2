// A mem tile re-blocks 16x24 bytes on the way in and out, a second time at the far end.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%mem dimensionsFromStream [<size = 4, stride = 96>, <size = 4, stride = 8>, <size = 3, stride = 32>, <size = 8, stride = 1>]}, 2 : i32) : !aie.objectfifo<memref<384xi8>>
    aie.objectfifo @mid(%mem dimensionsToStream [<size = 3, stride = 8>, <size = 16, stride = 24>, <size = 8, stride = 1>], {%core dimensionsFromStream [<size = 96, stride = 4>, <size = 4, stride = 1>]}, [2, 2]) : !aie.objectfifo<memref<384xi8>>
    aie.objectfifo.link [@in] -> [@mid] ([] [])
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<384xi8>>
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 384 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @mid(Consume, 1) : !aie.objectfifosubview<memref<384xi8>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<384xi8>> -> memref<384xi8>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<384xi8>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<384xi8>> -> memref<384xi8>
        scf.for %j = %c0 to %n step %c1 {
          %x = memref.load %i[%j] : memref<384xi8>
          memref.store %x, %o[%j] : memref<384xi8>
        }
        aie.objectfifo.release @mid(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<1152xi8>, %b : memref<1152xi8>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 1152][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<1152xi8>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 1152][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<1152xi8>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
