// Two streams between two cores, eight words an object: the first writes x, x, y, the second reads y, x,
// x. With room for one x it needs buffering that only streams could give.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %t2 = aie.tile(0, 2)
    %t4 = aie.tile(0, 4)
    aie.objectfifo @in(%shim, {%t2}, [2, 2]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @x(%t2, {%t4}, [1, 1]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @y(%t2, {%t4}, [1, 1]) : !aie.objectfifo<memref<8xi32>>
    aie.objectfifo @out(%t4, {%shim}, [2, 2]) : !aie.objectfifo<memref<8xi32>>
    func.func private @add(memref<8xi32>, memref<8xi32>, i32, i32) -> ()
    aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %n = arith.constant 8 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<8xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        scf.for %j = %c0 to %c3 step %c1 {
          %xv = aie.objectfifo.acquire @x(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
          %x = aie.objectfifo.subview.access %xv[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
          func.call @add(%i, %x, %n, %n) : (memref<8xi32>, memref<8xi32>, i32, i32) -> ()
          aie.objectfifo.release @x(Produce, 1)
        }
        %yv = aie.objectfifo.acquire @y(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
        %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        func.call @add(%i, %y, %n, %n) : (memref<8xi32>, memref<8xi32>, i32, i32) -> ()
        aie.objectfifo.release @y(Produce, 1)
        aie.objectfifo.release @in(Consume, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.core(%t4) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %n = arith.constant 8 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %yv = aie.objectfifo.acquire @y(Consume, 1) : !aie.objectfifosubview<memref<8xi32>>
        %y = aie.objectfifo.subview.access %yv[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<8xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<8xi32>> -> memref<8xi32>
        func.call @add(%y, %o, %n, %n) : (memref<8xi32>, memref<8xi32>, i32, i32) -> ()
        aie.objectfifo.release @y(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
        scf.for %j = %c0 to %c3 step %c1 {
          %xv = aie.objectfifo.acquire @x(Consume, 1) : !aie.objectfifosubview<memref<8xi32>>
          aie.objectfifo.release @x(Consume, 1)
        }
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<16xi32>, %b : memref<16xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<16xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 16][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<16xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
