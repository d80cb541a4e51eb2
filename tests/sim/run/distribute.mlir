// Objects of 192 words are cut in three parts in the mem tile, 32 + 96 + 64 words; a core adds and
// subtracts two of them, the third goes to another shim tile as it came.
module {
  aie.device(npu1) {
    %s0 = aie.tile(0, 0)
    %s1 = aie.tile(1, 0)
    %m0 = aie.tile(0, 1)
    %t2 = aie.tile(0, 2)
    aie.objectfifo @in(%s0, {%m0}, 2 : i32) : !aie.objectfifo<memref<192xi32>>
    aie.objectfifo @p0(%m0, {%t2}, [2, 2]) : !aie.objectfifo<memref<32xi32>>
    aie.objectfifo @p1(%m0, {%s1}, [2, 2]) : !aie.objectfifo<memref<96xi32>>
    aie.objectfifo @p2(%m0, {%t2}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo.link [@in] -> [@p0, @p1, @p2] ([] [0, 32, 128])
    aie.objectfifo @out(%t2, {%s0}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.core(%t2) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c32 = arith.constant 32 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %av = aie.objectfifo.acquire @p0(Consume, 1) : !aie.objectfifosubview<memref<32xi32>>
        %a = aie.objectfifo.subview.access %av[0] : !aie.objectfifosubview<memref<32xi32>> -> memref<32xi32>
        %bv = aie.objectfifo.acquire @p2(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %b = aie.objectfifo.subview.access %bv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        scf.for %j = %c0 to %c32 step %c1 {
          %x = memref.load %a[%j] : memref<32xi32>
          %y = memref.load %b[%j] : memref<64xi32>
          %j2 = arith.addi %j, %c32 : index
          %z = memref.load %b[%j2] : memref<64xi32>
          %s = arith.addi %x, %y : i32
          %d = arith.subi %x, %z : i32
          memref.store %s, %o[%j] : memref<64xi32>
          memref.store %d, %o[%j2] : memref<64xi32>
        }
        aie.objectfifo.release @p0(Consume, 1)
        aie.objectfifo.release @p2(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<960xi32>, %b : memref<480xi32>, %c : memref<320xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 480][0, 0, 0, 1]) {metadata = @p1, id = 1 : i64} : memref<480xi32>
      aiex.npu.dma_memcpy_nd (%c[0, 0, 0, 0][1, 1, 1, 320][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<320xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 960][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<960xi32>
      aiex.npu.dma_wait {symbol = @out}
      aiex.npu.dma_wait {symbol = @p1}
    }
  }
}
