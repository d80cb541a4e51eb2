// A fifo that ends in a mem tile needs a link.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %mem = aie.tile(0, 1)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @x(%shim, {%mem}, 2 : i32) : !aie.objectfifo<memref<64xi32>>
    func.func private @copy64(memref<64xi32>, memref<64xi32>)
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %is = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %is[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %os = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %os[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @copy64(%i, %o) : (memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {stack_size = 1024 : i32, link_with = "copy64.o"}
    aie.runtime_sequence(%a : memref<1024xi32>, %b : memref<1024xi32>) {
      aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) {metadata = @out, id = 0 : i64} : memref<1024xi32>
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][1, 1, 1, 1024][0, 0, 0, 1]) {metadata = @in, id = 1 : i64} : memref<1024xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
