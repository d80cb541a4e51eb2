// A kernel that takes and gives scalars of every type that one can pass by value.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    %real = aie.buffer(%core) {sym_name = "real"} : memref<1xf32> = dense<-1.5>
    func.func private @mix(memref<64xi32>, i1, i8, i16, i32, i64, index, f32) -> i64
    func.func private @low8(i32) -> i8
    func.func private @low16(i32) -> i16
    aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c8 = arith.constant 8 : index
      %c9 = arith.constant 9 : index
      %c10 = arith.constant 10 : index
      %c11 = arith.constant 11 : index
      %true = arith.constant true
      %byte = arith.constant -5 : i8
      %short = arith.constant -300 : i16
      %word = arith.constant -70000 : i32
      %long = arith.constant -5000000000 : i64
      %shift = arith.constant 32 : i64
      %index = arith.constant 77 : index
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %f = memref.load %real[%c0] : memref<1xf32>
        %l = func.call @mix(%o, %true, %byte, %short, %word, %long, %index, %f)
            : (memref<64xi32>, i1, i8, i16, i32, i64, index, f32) -> i64
        %low = arith.trunci %l : i64 to i32
        %up = arith.shrsi %l, %shift : i64
        %high = arith.trunci %up : i64 to i32
        memref.store %low, %o[%c8] : memref<64xi32>
        memref.store %high, %o[%c9] : memref<64xi32>
        %b = func.call @low8(%word) : (i32) -> i8
        %bw = arith.extsi %b : i8 to i32
        memref.store %bw, %o[%c10] : memref<64xi32>
        %s = func.call @low16(%word) : (i32) -> i16
        %sw = arith.extsi %s : i16 to i32
        memref.store %sw, %o[%c11] : memref<64xi32>
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32, link_with = "mix.o"}
    aie.runtime_sequence(%a : memref<64xi32>, %b : memref<64xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<64xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<64xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
