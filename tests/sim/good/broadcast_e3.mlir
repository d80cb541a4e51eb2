// One object stream goes to four columns (μ = 4); the acquire form of epoch E3.
module {
  aie.device(npu1) {
    %s0 = aie.tile(0, 0)
    %s1 = aie.tile(1, 0)
    %s2 = aie.tile(2, 0)
    %s3 = aie.tile(3, 0)
    %m0 = aie.tile(0, 1)
    %k0 = aie.tile(0, 2)
    %k1 = aie.tile(1, 2)
    %k2 = aie.tile(2, 2)
    %k3 = aie.tile(3, 2)
    aie.objectfifo @x_l2(%s0, {%m0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    // mem tile MM2S re-tiles row-major 64x64 into 4x8 blocks while it broadcasts
    aie.objectfifo @x_l1(%m0 dimensionsToStream [<size = 16, stride = 256>, <size = 8, stride = 8>,
                                                 <size = 4, stride = 64>, <size = 8, stride = 1>],
                         {%k0, %k1, %k2, %k3}, [2, 2, 2, 2, 2]) : !aie.objectfifo<memref<64x64xi8>>
    aie.objectfifo.link [@x_l2] -> [@x_l1] ([] [])
    aie.objectfifo @y0(%k0, {%s0}, [2, 2]) : !aie.objectfifo<memref<64x64xi8>>
    aie.objectfifo @y1(%k1, {%s1}, [2, 2]) : !aie.objectfifo<memref<64x64xi8>>
    aie.objectfifo @y2(%k2, {%s2}, [2, 2]) : !aie.objectfifo<memref<64x64xi8>>
    aie.objectfifo @y3(%k3, {%s3}, [2, 2]) : !aie.objectfifo<memref<64x64xi8>>
    func.func private @colop(memref<64x64xi8>, memref<64x64xi8>, i32) attributes {link_with = "colop.o"}
    aie.core(%k0) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      %col = arith.constant 0 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %x = aie.objectfifo.acquire @x_l1 (Consume, 1) : memref<64x64xi8>
        %y = aie.objectfifo.acquire @y0 (Produce, 1) : memref<64x64xi8>
        func.call @colop(%x, %y, %col) : (memref<64x64xi8>, memref<64x64xi8>, i32) -> ()
        aie.objectfifo.release @x_l1 (Consume, 1)
        aie.objectfifo.release @y0 (Produce, 1)
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%k1) {   // as %k0 with %col = 1 and @y1
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      %col = arith.constant 1 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %x = aie.objectfifo.acquire @x_l1 (Consume, 1) : memref<64x64xi8>
        %y = aie.objectfifo.acquire @y1 (Produce, 1) : memref<64x64xi8>
        func.call @colop(%x, %y, %col) : (memref<64x64xi8>, memref<64x64xi8>, i32) -> ()
        aie.objectfifo.release @x_l1 (Consume, 1)
        aie.objectfifo.release @y1 (Produce, 1)
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%k2) {   // as %k0 with %col = 2 and @y2
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      %col = arith.constant 2 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %x = aie.objectfifo.acquire @x_l1 (Consume, 1) : memref<64x64xi8>
        %y = aie.objectfifo.acquire @y2 (Produce, 1) : memref<64x64xi8>
        func.call @colop(%x, %y, %col) : (memref<64x64xi8>, memref<64x64xi8>, i32) -> ()
        aie.objectfifo.release @x_l1 (Consume, 1)
        aie.objectfifo.release @y2 (Produce, 1)
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.core(%k3) {   // as %k0 with %col = 3 and @y3
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %cmax = arith.constant 4294967295 : index
      %col = arith.constant 3 : i32
      scf.for %it = %c0 to %cmax step %c1 {
        %x = aie.objectfifo.acquire @x_l1 (Consume, 1) : memref<64x64xi8>
        %y = aie.objectfifo.acquire @y3 (Produce, 1) : memref<64x64xi8>
        func.call @colop(%x, %y, %col) : (memref<64x64xi8>, memref<64x64xi8>, i32) -> ()
        aie.objectfifo.release @x_l1 (Consume, 1)
        aie.objectfifo.release @y3 (Produce, 1)
      }
      aie.end
    } {stack_size = 2048 : i32}
    aie.runtime_sequence @sequence(%x : memref<16384xi8>, %y : memref<65536xi8>) {
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][1, 1, 1, 16384][0, 0, 0, 1])
          {id = 0 : i64, metadata = @y0, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 16384][1, 1, 1, 16384][0, 0, 0, 1])
          {id = 0 : i64, metadata = @y1, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 32768][1, 1, 1, 16384][0, 0, 0, 1])
          {id = 0 : i64, metadata = @y2, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 49152][1, 1, 1, 16384][0, 0, 0, 1])
          {id = 0 : i64, metadata = @y3, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd(%x[0, 0, 0, 0][1, 1, 1, 16384][0, 0, 0, 1])
          {id = 1 : i64, metadata = @x_l2} : memref<16384xi8>
      aiex.npu.dma_wait {symbol = @y0}
      aiex.npu.dma_wait {symbol = @y1}
      aiex.npu.dma_wait {symbol = @y2}
      aiex.npu.dma_wait {symbol = @y3}
    }
  }
}
