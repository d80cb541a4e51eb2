// Parts of several objects: a mem tile hands out and takes 32 words at a time, the first core 16.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %mem = aie.tile(0, 1)
    %t2 = aie.tile(0, 2)
    %t3 = aie.tile(0, 3)
    aie.objectfifo @in(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @a(%mem, {%t2}, [2, 2]) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @b(%mem, {%t3}, [2, 2]) : !aie.objectfifo<memref<32xi32>>
    aie.objectfifo.link [@in] -> [@a, @b] ([] [0, 32])
    aie.objectfifo @c(%t2, {%mem}, [2, 2]) : !aie.objectfifo<memref<16xi32>>
    aie.objectfifo @d(%t3, {%mem}, [2, 2]) : !aie.objectfifo<memref<32xi32>>
    aie.objectfifo @out(%mem, {%shim}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@c, @d] -> [@out] ([0, 32] [])
    func.func private @add(memref<16xi32>, memref<16xi32>, i32, i32) -> ()
    aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 16 : i32
      %add = arith.constant 100 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<16xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<16xi32>> -> memref<16xi32>
        %ov = aie.objectfifo.acquire @c(Produce, 1) : !aie.objectfifosubview<memref<16xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<16xi32>> -> memref<16xi32>
        func.call @add(%i, %o, %n, %add) : (memref<16xi32>, memref<16xi32>, i32, i32) -> ()
        aie.objectfifo.release @a(Consume, 1)
        aie.objectfifo.release @c(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%t3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c32 = arith.constant 32 : index
      %add = arith.constant 200 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<32xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<32xi32>> -> memref<32xi32>
        %ov = aie.objectfifo.acquire @d(Produce, 1) : !aie.objectfifosubview<memref<32xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<32xi32>> -> memref<32xi32>
        scf.for %j = %c0 to %c32 step %c1 {
          %x = memref.load %i[%j] : memref<32xi32>
          %y = arith.addi %x, %add : i32
          memref.store %y, %o[%j] : memref<32xi32>
        }
        aie.objectfifo.release @b(Consume, 1)
        aie.objectfifo.release @d(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%x : memref<320xi32>, %y : memref<320xi32>) {
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 1, 1, 320][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<320xi32>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][1, 1, 1, 320][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<320xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
