// Three cores: neighbours that share memory, then a hop by DMA; the fifo between the first two begins
// with an object of sevens and one of nines in it.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %t2 = aie.tile(0, 2)
    %t3 = aie.tile(0, 3)
    %t5 = aie.tile(0, 5)
    aie.objectfifo @in(%shim, {%t2}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @near(%t2, {%t3}, [2, 2]) : !aie.objectfifo<memref<64xi32>> = [dense<7> : memref<64xi32>, dense<9> : memref<64xi32>]
    aie.objectfifo @far(%t3, {%t5}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%t5, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    func.func private @add(memref<64xi32>, memref<64xi32>, i32, i32) -> ()
    aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %add = arith.constant 100 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @near(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%i, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @near(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%t3) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %add = arith.constant 20 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @near(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @far(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%i, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        aie.objectfifo.release @near(Consume, 1)
        aie.objectfifo.release @far(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%t5) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %add = arith.constant 3 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @far(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @add(%i, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        aie.objectfifo.release @far(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence @first(%a : memref<256xi32>, %b : memref<384xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 384][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<384xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 256][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<256xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
