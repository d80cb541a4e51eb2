// Each job: an object whose first word is n, then n objects that are added up, then the sum goes out.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    %acc = aie.buffer(%core) {sym_name = "acc"} : memref<64xi32>
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    func.func private @accumulate(memref<64xi32>, memref<64xi32>) -> ()
    func.func private @copy64(memref<64xi32>, memref<64xi32>) -> ()
    func.func private @first(memref<64xi32>) -> i32
    %k = aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c64 = arith.constant 64 : index
      %z = arith.constant 0 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %pv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p = aie.objectfifo.subview.access %pv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %n = memref.load %p[%c0] : memref<64xi32>
        aie.objectfifo.release @in(Consume, 1)
        %ni = arith.index_cast %n : i32 to index
        scf.for %j = %c0 to %c64 step %c1 {
          memref.store %z, %acc[%j] : memref<64xi32>
        }
        scf.for %q = %c0 to %ni step %c1 {
          %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
          %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
          func.call @accumulate(%i, %acc) : (memref<64xi32>, memref<64xi32>) -> ()
          aie.objectfifo.release @in(Consume, 1)
        }
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        func.call @copy64(%acc, %o) : (memref<64xi32>, memref<64xi32>) -> ()
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<832xi32>, %b : memref<256xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 256][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<256xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 832][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<832xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
