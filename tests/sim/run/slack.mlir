// The sequence waits until five objects are sent, but the core takes none before it is told to go, and two
// find room: the other three would have to wait in the stream.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @go(%shim, {%core}, [2, 1]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<8xi32>>
    func.func private @add(memref<8xi32>, memref<8xi32>, i32, i32) -> ()
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c5 = arith.constant 5 : index
      %n = arith.constant 8 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %gv = aie.objectfifo.acquire @go(Consume, 1) : !aie.objectfifosubview<memref<8xi32>>
        aie.objectfifo.release @go(Consume, 1)
        scf.for %j = %c0 to %c5 step %c1 {
          %iv = aie.objectfifo.acquire @in(Consume, 2) : !aie.objectfifosubview<memref<8xi32>>
          %i = aie.objectfifo.subview.access %iv[1] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
          %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
          %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
          func.call @add(%i, %o, %n, %n) : (memref<8xi32>, memref<8xi32>, i32, i32) -> ()
          aie.objectfifo.release @in(Consume, 2)
          aie.objectfifo.release @out(Produce, 1)
        }
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<80xi32>, %b : memref<40xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 40][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<40xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 40][0, 0, 0, 1]) {metadata = @in, id = 2 : i64, issue_token = true} : memref<80xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 40][1, 1, 1, 40][0, 0, 0, 1]) {metadata = @in, id = 3 : i64} : memref<80xi32>
      aiex.npu.dma_wait {symbol = @in}
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 8][0, 0, 0, 1]) {metadata = @go, id = 4 : i64} : memref<80xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
