// What a core keeps: a buffer, a rounding mode, the host's words.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %acc = aie.buffer(%core) {sym_name = "acc"} : memref<64xi32>
    %rtp = aie.buffer(%core) {sym_name = "rtp"} : memref<16xi32> = dense<3>
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    func.func private @accumulate(memref<64xi32>, memref<64xi32>) -> ()
    func.func private @add(memref<64xi32>, memref<64xi32>, i32, i32) -> ()
    func.func private @modes(memref<64xi32>) -> ()
    %k = aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %n = arith.constant 64 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @accumulate(%i, %acc) : (memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @in(Consume, 1)
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %add = memref.load %rtp[%c1] : memref<16xi32>
        func.call @add(%acc, %o, %n, %add) : (memref<64xi32>, memref<64xi32>, i32, i32) -> ()
        func.call @modes(%o) : (memref<64xi32>) -> ()
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32}
    aie.runtime_sequence @plain(%a : memref<64xi32>, %b : memref<64xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<64xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
    aie.runtime_sequence @written(%a : memref<64xi32>, %b : memref<64xi32>) {
      aiex.npu.rtp_write(@rtp, 1, 1000)
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<64xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
