// Byte objects seen as words; a host word written by its address; a wait by channel; a task that repeats;
// where to read comes as a number.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %core = aie.tile(0, 2)
    %key = aie.buffer(%core) {sym_name = "key", address = 16384 : i32} : memref<4xi32> = dense<0>
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi8>>
    aie.objectfifo @even(%core, {%mem}, [2, 2]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @odd(%core, {%mem}, [2, 2]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%mem dimensionsToStream [<size = 4, stride = 1>, <size = 2, stride = 4>], {%shim}, 2 : i32) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo.link [@even, @odd] -> [@out] ([0, 8] [])
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi8>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi8>> -> memref<64xi8>
        %w = memref.view %i[%c8][] : memref<64xi8> to memref<14xi32>
        %ev = aie.objectfifo.acquire @even(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
        %e = aie.objectfifo.subview.access %ev[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        %ov = aie.objectfifo.acquire @odd(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        %k1 = memref.load %key[%c1] : memref<4xi32>
        %k2 = memref.load %key[%c2] : memref<4xi32>
        scf.for %j = %c0 to %c8 step %c1 {
          %x = memref.load %w[%j] : memref<14xi32>
          %a = arith.addi %x, %k1 : i32
          %b = arith.xori %x, %k2 : i32
          memref.store %a, %e[%j] : memref<8xi32>
          memref.store %b, %o[%j] : memref<8xi32>
        }
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @even(Produce, 1)
        aie.objectfifo.release @odd(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<256xi8>, %at : i64, %b : memref<96xi32>) {
      aiex.npu.write32 {address = 16388 : ui32, column = 0 : i32, row = 2 : i32, value = 100 : ui32}
      aiex.npu.write32 {address = 16392 : ui32, column = 0 : i32, row = 2 : i32, value = 255 : ui32}
      aiex.npu.maskwrite32 {address = 16392 : ui32, column = 0 : i32, row = 2 : i32, value = 4660 : ui32, mask = 65520 : ui32}
      %t = aiex.dma_configure_task_for @out {
        aie.dma_bd(%b : memref<96xi32>, 0, 32, [<size = 3, stride = 32>, <size = 1, stride = 0>, <size = 4, stride = 8>, <size = 8, stride = 1>])
        aie.end
      } {issue_token = true, repeat_count = 2 : i32}
      aiex.dma_start_task(%t)
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, %at][3, 1, 1, 128][0, 0, 0, 1]) {metadata = @in, id = 4 : i64} : memref<256xi8>
      aiex.npu.sync {column = 0 : i32, row = 0 : i32, direction = 0 : i32, channel = 0 : i32, column_num = 1 : i32, row_num = 1 : i32}
    }
  }
}
