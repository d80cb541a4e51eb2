// What scf, arith and memref can do on a core: words 0.. of the output, each from the input's word.
module {
  aie.device(npu1_1col) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @in(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @out(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    %k = aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %c5 = arith.constant 5 : index
      %c6 = arith.constant 6 : index
      %c7 = arith.constant 7 : index
      %c8 = arith.constant 8 : index
      %c16 = arith.constant 16 : index
      %i0 = arith.constant 0 : i32
      %i1 = arith.constant 1 : i32
      %i7 = arith.constant 7 : i32
      %i100 = arith.constant 100 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %iv = aie.objectfifo.acquire @in(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %i = aie.objectfifo.subview.access %iv[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %ov = aie.objectfifo.acquire @out(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %o = aie.objectfifo.subview.access %ov[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %x = memref.load %i[%c0] : memref<64xi32>
        %xi = arith.index_cast %x : i32 to index
        // 0: two values carried around a loop, swapped each turn
        %p, %q = scf.for %t = %c0 to %xi step %c1 iter_args(%a = %i1, %b = %i7) -> (i32, i32) {
          scf.yield %b, %a : i32, i32
        }
        memref.store %p, %o[%c0] : memref<64xi32>
        // 1: how often x halves until it is 0
        %w, %h = scf.while (%v = %x, %n = %i0) : (i32, i32) -> (i32, i32) {
          %go = arith.cmpi sgt, %v, %i0 : i32
          scf.condition(%go) %v, %n : i32, i32
        } do {
        ^bb0(%v2: i32, %n2: i32):
          %v3 = arith.shrsi %v2, %i1 : i32
          %n3 = arith.addi %n2, %i1 : i32
          scf.yield %v3, %n3 : i32, i32
        }
        memref.store %h, %o[%c1] : memref<64xi32>
        // 2: a branch with a value
        %odd = arith.andi %x, %i1 : i32
        %isodd = arith.cmpi eq, %odd, %i1 : i32
        %r = scf.if %isodd -> (i32) {
          %m = arith.muli %x, %i7 : i32
          scf.yield %m : i32
        } else {
          %m = arith.subi %i0, %x : i32
          scf.yield %m : i32
        }
        memref.store %r, %o[%c2] : memref<64xi32>
        // 3: a switch
        %s = scf.index_switch %xi -> i32
        case 2 {
          %y = arith.constant 22 : i32
          scf.yield %y : i32
        }
        case 5 {
          %y = arith.constant 55 : i32
          scf.yield %y : i32
        }
        default {
          scf.yield %i100 : i32
        }
        memref.store %s, %o[%c3] : memref<64xi32>
        // 4: unsigned remainder and select
        %u = arith.remui %x, %i7 : i32
        %l = arith.select %isodd, %u, %i0 : i32
        memref.store %l, %o[%c4] : memref<64xi32>
        // 5: through 8 bits
        %t8 = arith.trunci %x : i32 to i8
        %e8 = arith.extsi %t8 : i8 to i32
        memref.store %e8, %o[%c5] : memref<64xi32>
        // 6, 7: as bytes: byte 5 of the input, signed
        %m2 = memref.subview %i[16][48][1] : memref<64xi32> to memref<48xi32, strided<[1], offset: 16>>
        %z = memref.load %m2[%c2] : memref<48xi32, strided<[1], offset: 16>>
        memref.store %z, %o[%c6] : memref<64xi32>
        %m3 = memref.reinterpret_cast %i to offset: [0], sizes: [4, 16], strides: [1, 4] : memref<64xi32> to memref<4x16xi32, strided<[1, 4]>>
        %z3 = memref.load %m3[%c3, %c7] : memref<4x16xi32, strided<[1, 4]>>
        memref.store %z3, %o[%c7] : memref<64xi32>
        scf.for %j = %c8 to %c16 step %c2 {
          %jv = arith.index_cast %j : index to i32
          memref.store %jv, %o[%j] : memref<64xi32>
        }
        aie.objectfifo.release @in(Consume, 1)
        aie.objectfifo.release @out(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 1024 : i32}
    aie.runtime_sequence(%a : memref<512xi32>, %b : memref<512xi32>) {
      aiex.npu.dma_memcpy_nd (%b[0, 0, 0, 0][1, 1, 1, 512][0, 0, 0, 1]) {metadata = @out, id = 1 : i64} : memref<512xi32>
      aiex.npu.dma_memcpy_nd (%a[0, 0, 0, 0][1, 1, 1, 512][0, 0, 0, 1]) {metadata = @in, id = 0 : i64} : memref<512xi32>
      aiex.npu.dma_wait {symbol = @out}
    }
  }
}
