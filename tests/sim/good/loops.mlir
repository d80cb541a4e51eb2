// What the stock compiler lowers rightly: run-time trip counts (0 allowed) with dynamic lowering,
// branches around calls only, a fifo in one branch and after it, a parameter object held through a loop.
module {
  aie.device(npu1) {
    %shim = aie.tile(0, 0)
    %core = aie.tile(0, 2)
    aie.objectfifo @a(%shim, {%core}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @b(%shim, {%core}, [2, 3]) : !aie.objectfifo<memref<64xi32>>
    aie.objectfifo @c(%core, {%shim}, [2, 2]) : !aie.objectfifo<memref<64xi32>>
    func.func private @plus(memref<64xi32>, memref<64xi32>) -> ()
    func.func private @minus(memref<64xi32>, memref<64xi32>) -> ()
    %kernel = aie.core(%core) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %zero = arith.constant 0 : i32
      %cmax = arith.constant 9223372036854775807 : index
      scf.for %it = %c0 to %cmax step %c1 {
        %ps = aie.objectfifo.acquire @b(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        %p = aie.objectfifo.subview.access %ps[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        %n0 = memref.load %p[%c0] : memref<64xi32>
        %n1 = memref.load %p[%c1] : memref<64xi32>
        %op = memref.load %p[%c2] : memref<64xi32>
        %i0 = arith.index_cast %n0 : i32 to index
        %i1 = arith.index_cast %n1 : i32 to index
        %iop = arith.index_cast %op : i32 to index
        %first = arith.cmpi eq, %op, %zero : i32
        %cs = aie.objectfifo.acquire @c(Produce, 1) : !aie.objectfifosubview<memref<64xi32>>
        %c = aie.objectfifo.subview.access %cs[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
        scf.for %k = %c0 to %i0 step %c1 {
          %as = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
          %a = aie.objectfifo.subview.access %as[0] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
          %bs = aie.objectfifo.acquire @b(Consume, 2) : !aie.objectfifosubview<memref<64xi32>>
          %b = aie.objectfifo.subview.access %bs[1] : !aie.objectfifosubview<memref<64xi32>> -> memref<64xi32>
          scf.if %first {
            func.call @plus(%a, %c) : (memref<64xi32>, memref<64xi32>) -> ()
          } else {
            func.call @minus(%b, %c) : (memref<64xi32>, memref<64xi32>) -> ()
          }
          scf.index_switch %iop
          case 1 {
            func.call @minus(%a, %c) : (memref<64xi32>, memref<64xi32>) -> ()
            scf.yield
          }
          default {
          }
          aie.objectfifo.release @a(Consume, 1)
          aie.objectfifo.release @b(Consume, 1)
        }
        scf.for %k = %c0 to %i1 step %c1 {
          %as = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
          aie.objectfifo.release @a(Consume, 1)
        }
        scf.if %first {
          %as = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
          aie.objectfifo.release @a(Consume, 1)
        }
        %last = aie.objectfifo.acquire @a(Consume, 1) : !aie.objectfifosubview<memref<64xi32>>
        aie.objectfifo.release @a(Consume, 1)
        aie.objectfifo.release @b(Consume, 1)
        aie.objectfifo.release @c(Produce, 1)
      }
      aie.end
    } {dynamic_objfifo_lowering = true, stack_size = 2048 : i32, link_with = "kernels.o"}
    aie.runtime_sequence(%x: memref<1024xi32>, %y: memref<1024xi32>, %z: memref<1024xi32>) {
      aiex.npu.dma_memcpy_nd (%z[0, 0, 0, 0][1, 1, 1, 64][0, 0, 0, 1]) {metadata = @c, id = 0 : i64} : memref<1024xi32>
      aiex.npu.dma_memcpy_nd (%x[0, 0, 0, 0][4, 1, 1, 64][64, 0, 0, 1]) {metadata = @a, id = 1 : i64} : memref<1024xi32>
      aiex.npu.dma_memcpy_nd (%y[0, 0, 0, 0][1, 2, 2, 64][0, 64, 512, 1]) {metadata = @b, id = 2 : i64} : memref<1024xi32>
      aiex.npu.dma_wait {symbol = @c}
    }
  }
}
