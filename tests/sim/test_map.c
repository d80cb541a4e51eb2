/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map compared with the output of mlir-aie's own passes for these designs (numbers copied by
 * hand from runs of its commit 5ff2ab97d). */
#include "npu/sim/map/map.h"
#include "tests/check.h"
#include "tests/sim/plan.h"

#include <inttypes.h>

struct mapped {
    struct npu_design *design;
    struct npu_map *map;
};

static struct mapped map_text(const char *text)
{
    struct mapped m = {0};
    struct npu_error err = {""};
    if (npu_design_parse(&m.design, text, strlen(text), "text", &err) != 0 ||
        npu_map_open(&m.map, m.design->array, &err) != 0) {
        printf("not ok map: %s\n", err.text);
        exit(1);
    }
    return m;
}

static void unmap(struct mapped *m)
{
    npu_map_close(&m->map);
    npu_design_close(&m->design);
}

static uint32_t find_fifo(const struct npu_ir_array *array, const char *name)
{
    for (uint32_t f = 0; f < array->n_fifos; f++)
        if (strcmp(array->fifo[f].name, name) == 0)
            return f;
    printf("not ok map: no fifo %s\n", name);
    exit(1);
}

static const struct npu_map_tile *find_tile(const struct npu_map *map, uint32_t column,
                                            uint32_t row)
{
    for (uint32_t t = 0; t < map->array->n_tiles; t++)
        if (map->array->tile[t].column == column && map->array->tile[t].row == row)
            return &map->tile[t];
    exit(1);
}

static uint64_t address(const struct npu_map *map, const char *fifo, uint32_t end, uint32_t object)
{
    return map->pool[map->fifo[find_fifo(map->array, fifo)][end].pool].address[object];
}

/* The channel of a fifo's end: end 0 producer. */
static void check_channel(const struct npu_map *map, const char *fifo, uint32_t end,
                          uint32_t expected)
{
    char name[80];
    uint32_t found = map->fifo[find_fifo(map->array, fifo)][end].channel;
    snprintf(name, sizeof(name), "map_channel_%s_%u", fifo, end);
    check_case(found == expected, name, "%d, expected %d", (int)found, (int)expected);
}

static uint64_t piece_of(const struct npu_map_tile *tile, int what)
{
    for (uint32_t i = 0; i < tile->n_pieces; i++)
        if ((int)tile->piece[i].what == what)
            return tile->piece[i].address;
    return UINT64_MAX;
}

static void test_plan(void)
{
    char *text = plan_text();
    struct mapped m = map_text(text);
    const struct npu_map *map = m.map;
    const struct npu_map_tile *core = find_tile(map, 0, 2), *mem = find_tile(map, 0, 1);

    check_case(core->used == 45068 && core->n_locks == 6 && core->n_bds == 6 &&
                   core->n_channels[NPU_S2MM] == 2 && core->n_channels[NPU_MM2S] == 1 && core->fits,
               "map_plan_core_totals", "%" PRIu64 " bytes, %u locks, %u descriptors", core->used,
               core->n_locks, core->n_bds);
    check_case(mem->used == 49152 && mem->n_locks == 12 && mem->n_bds == 24 &&
                   mem->n_channels[NPU_S2MM] == 6 && mem->n_channels[NPU_MM2S] == 3,
               "map_plan_mem_totals", "%" PRIu64 " bytes, %u locks, %u descriptors", mem->used,
               mem->n_locks, mem->n_bds);
    check_case(address(map, "b_l1_0", 1, 0) == 0x1000 && address(map, "a_l1_0", 1, 1) == 0x2000 &&
                   piece_of(core, NPU_PIECE_BUFFER) == 0x4000 &&
                   address(map, "c_l1_0_2", 0, 0) == 0x8000 &&
                   address(map, "b_l1_0", 1, 1) == 0x9000 &&
                   piece_of(core, NPU_PIECE_COUNTERS) == 0xA000 &&
                   address(map, "c_l1_0_2", 0, 1) == 0xC000 &&
                   address(map, "a_l1_0", 1, 0) == 0xD000 && core->end == 0xE000,
               "map_plan_core_addresses", "end 0x%" PRIx64, core->end);
    check_case(core->room == 0x2000 && core->sequential_room == 0x4FF4, "map_plan_core_room",
               "%" PRIu64 " and %" PRIu64, core->room, core->sequential_room);
    check_case(
        address(map, "c_l2_0", 0, 0) == 0 && address(map, "c_l2_0", 0, 1) == 0x10000 &&
            address(map, "b_l2_0", 1, 0) == 0x20000 && address(map, "b_l2_0", 1, 1) == 0x30000 &&
            address(map, "a_l2_0", 1, 0) == 0x40000 && address(map, "a_l2_0", 1, 1) == 0x50000,
        "map_plan_mem_addresses", "end 0x%" PRIx64, mem->end);
    check_channel(map, "a_l2_0", 0, 0);
    check_channel(map, "b_l2_0", 0, 1);
    check_channel(map, "c_l2_0", 1, 0);
    check_channel(map, "a_l2_0", 1, 0);
    check_channel(map, "b_l2_0", 1, 1);
    check_channel(map, "c_l1_0_2", 1, 2);
    check_channel(map, "c_l1_0_5", 1, 5);
    check_channel(map, "a_l1_0", 0, 0);
    check_channel(map, "b_l1_0", 0, 1);
    check_channel(map, "c_l2_0", 0, 2);
    check_channel(map, "a_l1_0", 1, 0); /* core (0, 2) */
    check_channel(map, "b_l1_0", 1, 1);
    check_channel(map, "b_l1_0", 2, 0); /* core (0, 3) */
    check_channel(map, "a_l1_1", 1, 1);
    uint32_t part = find_fifo(map->array, "c_l1_0_4"), whole = find_fifo(map->array, "c_l2_0");
    check_case(map->fifo[part][1].pool == map->fifo[whole][0].pool &&
                   map->fifo[part][1].pool_offset == 8192 &&
                   map->fifo[part][1].pool_bytes == 4096 &&
                   map->pool[map->fifo[part][1].pool].n_parts == 4 &&
                   map->fifo[part][1].n_bds == 2 && map->fifo[whole][0].n_bds == 8,
               "map_plan_join_parts", "offset %" PRIu64, map->fifo[part][1].pool_offset);
    uint32_t odd = find_fifo(map->array, "b_l2_0"), even = find_fifo(map->array, "a_l2_0");
    check_case(map->fifo[even][1].first_bd == 0 && map->fifo[odd][1].first_bd == 24,
               "map_plan_mem_descriptors", "%u", map->fifo[odd][1].first_bd);
    unmap(&m);
    free(text);
}

static void test_order(void)
{
    struct mapped m =
        map_text("aie.device(npu1) {\n"
                 "%s = aie.tile(0, 0)\n%m = aie.tile(0, 1)\n"
                 "aie.objectfifo @z(%s, {%m}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
                 "aie.objectfifo @o2(%m, {%s}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
                 "aie.objectfifo @y(%s, {%m}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
                 "aie.objectfifo @o1(%m, {%s}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
                 "}");
    check_channel(m.map, "z", 0, 0);
    check_channel(m.map, "o2", 1, 0);
    check_channel(m.map, "y", 0, 1);
    check_channel(m.map, "o1", 1, 1);
    unmap(&m);
}

/* A chain of cores: what the depths and the channels become. */
static const char chain[] =
    "aie.device(npu1) {\n"
    "%s = aie.tile(0, 0)\n%a = aie.tile(1, 3)\n%b = aie.tile(0, 3)\n%c = aie.tile(1, 4)\n"
    "aie.objectfifo @in(%s, {%a}, 8 : i32) : !aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @west(%a, {%b}, 3 : i32) : !aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @north(%a, {%c}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @dma(%a, {%c}, [2, 5]) {via_DMA = true} : !aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @one(%s, {%b}, 1 : i32) : !aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @self(%a, {%a}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
    "aie.core(%a) {\n%x = aie.objectfifo.acquire @in(Consume, 1) : memref<64xi8>\n"
    "aie.end } {stack_size = 1024 : i32}\n"
    "aie.core(%b) {\n%x = aie.objectfifo.acquire @one(Consume, 1) : memref<64xi8>\n"
    "%y:2 = aie.objectfifo.acquire @west(Consume, 2) : memref<64xi8>, memref<64xi8>\n"
    "aie.end }\n}";

static uint32_t depth(const struct npu_map *map, const char *fifo, uint32_t end)
{
    return map->pool[map->fifo[find_fifo(map->array, fifo)][end].pool].depth;
}

static void test_chain(void)
{
    struct mapped m = map_text(chain);
    check_case(depth(m.map, "in", 1) == 2 && depth(m.map, "one", 1) == 1 &&
                   depth(m.map, "dma", 0) == 2 && depth(m.map, "dma", 1) == 5,
               "map_depth_rule", "%u of a declared 8", depth(m.map, "in", 1));
    check_channel(m.map, "west", 0, NPU_IR_NONE);
    check_channel(m.map, "north", 1, NPU_IR_NONE);
    check_channel(m.map, "self", 0, NPU_IR_NONE);
    check_channel(m.map, "dma", 0, 0);
    check_channel(m.map, "dma", 1, 0);
    /* Core (0, 3) does not reach east, so the pool is where (1, 3) reaches west. */
    uint32_t west = find_fifo(m.map->array, "west"), north = find_fifo(m.map->array, "north");
    check_case(m.map->pool[m.map->fifo[west][0].pool].tile == 2 && depth(m.map, "west", 0) == 3 &&
                   m.map->pool[m.map->fifo[north][0].pool].tile == 1,
               "map_shared_memory_owner", "tile %u", m.map->pool[m.map->fifo[west][0].pool].tile);
    unmap(&m);
}

/* Distribute, repeat, an address and a bank asked for, and the fallback. */
static const char placed[] =
    "aie.device(npu1) {\n"
    "%s = aie.tile(0, 0)\n%m = aie.tile(0, 1)\n%a = aie.tile(0, 2)\n%b = aie.tile(0, 4)\n"
    "aie.objectfifo @in(%s, {%m}, 2 : i32) : !aie.objectfifo<memref<128xi16>>\n"
    "aie.objectfifo @to_a(%m, {%a}, [2, 2]) : !aie.objectfifo<memref<32xi16>>\n"
    "aie.objectfifo @to_b(%m, {%b}, [2, 2]) : !aie.objectfifo<memref<96xi16>>\n"
    "aie.objectfifo.link [@in] -> [@to_a, @to_b] ([] [0, 32])\n"
    "aie.objectfifo @again(%m, {%a}, [2, 2]) {repeat_count = 3 : i32} : "
    "!aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @j1(%a, {%m}, [2, 2]) : !aie.objectfifo<memref<32xi16>>\n"
    "aie.objectfifo @j2(%b, {%m}, [2, 2]) : !aie.objectfifo<memref<32xi16>>\n"
    "aie.objectfifo @joined(%m, {%s}, 2 : i32) : !aie.objectfifo<memref<64xi16>>\n"
    "aie.objectfifo.link [@j1, @j2] -> [@joined] ([0, 32] [])\n"
    "aie.objectfifo @whole(%s, {%m}, 2 : i32) : !aie.objectfifo<memref<64xi8>>\n"
    "aie.objectfifo @halves(%m, {%b}, [2, 2]) : !aie.objectfifo<memref<32xi8>>\n"
    "aie.objectfifo.link [@whole] -> [@halves] ([] [])\n"
    "%x = aie.buffer(%a) {address = 32768 : i32} : memref<64xi8>\n"
    "%y = aie.buffer(%a) {mem_bank = 2 : i32} : memref<64xi8>\n"
    "%z = aie.buffer(%b) : memref<24576xi8>\n"
    "aie.core(%b) { aie.end } {stack_size = 2048 : i32}\n}";

static void test_placed(void)
{
    struct mapped m = map_text(placed);
    uint32_t b = find_fifo(m.map->array, "to_b"), in = find_fifo(m.map->array, "in");
    uint32_t again = find_fifo(m.map->array, "again");
    const struct npu_map_tile *mem = find_tile(m.map, 0, 1), *core = find_tile(m.map, 0, 2);
    const struct npu_map_tile *large = find_tile(m.map, 0, 4);
    check_case(m.map->fifo[b][0].pool == m.map->fifo[in][1].pool &&
                   m.map->fifo[b][0].pool_offset == 64 && m.map->fifo[b][0].pool_bytes == 192 &&
                   m.map->fifo[in][1].n_bds == 4 && m.map->fifo[b][0].n_bds == 2 &&
                   m.map->fifo[again][0].n_bds == 6 && mem->n_locks == 12,
               "map_distribute_parts", "%u locks", mem->n_locks);
    uint32_t joined = find_fifo(m.map->array, "j2");
    check_case(m.map->fifo[joined][1].pool_offset == 64 && m.map->fifo[joined][1].pool_bytes == 64,
               "map_join_offset_in_bytes", "%" PRIu64, m.map->fifo[joined][1].pool_offset);
    uint32_t halves = find_fifo(m.map->array, "halves");
    check_case(m.map->fifo[halves][0].pool_bytes == 64 && m.map->fifo[halves][0].n_bds == 2,
               "map_link_holds_the_larger_object", "%" PRIu64, m.map->fifo[halves][0].pool_bytes);
    uint64_t x = 0, y = 0;
    for (uint32_t i = 0; i < core->n_pieces; i++)
        if (core->piece[i].what == NPU_PIECE_BUFFER)
            *(core->piece[i].index == 0 ? &x : &y) = core->piece[i].address;
    check_case(x == 0x8000 && y == 0x8040 && !core->sequential, "map_named_places",
               "0x%" PRIx64 " 0x%" PRIx64, x, y);
    check_case(large->sequential && piece_of(large, NPU_PIECE_BUFFER) == 2048 && large->fits &&
                   large->room == 65536 - 2048 - 24576 - 2 * 192 - 2 * 64 - 2 * 32,
               "map_buffer_over_a_bank_falls_back", "room %" PRIu64, large->room);
    unmap(&m);
}

/* Parts reach to the next offset, not over one object; a bit is a byte, as in memory. */
static void test_parts(void)
{
    struct mapped m = map_text(
        "aie.device(npu1) {\n%s = aie.tile(0, 0)\n%m = aie.tile(0, 1)\n%k = aie.tile(0, 2)\n"
        "%l = aie.tile(0, 3)\n%n = aie.tile(0, 4)\naie.objectfifo @in(%s, {%m}, 2 : i32) : "
        "!aie.objectfifo<memref<128xi1>>\naie.objectfifo @a(%m, {%k}, [2, 2]) : "
        "!aie.objectfifo<memref<16xi1>>\naie.objectfifo @b(%m, {%l}, [2, 2]) : "
        "!aie.objectfifo<memref<32xi1>>\naie.objectfifo @c(%m, {%n}, [2, 2]) : "
        "!aie.objectfifo<memref<32xi1>>\n"
        "aie.objectfifo.link [@in] -> [@b, @a, @c] ([] [64, 0, 96])\n}");
    const struct npu_map_end *a = &m.map->fifo[1][0], *b = &m.map->fifo[2][0];
    check_case(a->pool_offset == 0 && a->pool_bytes == 64 && b->pool_offset == 64 &&
                   b->pool_bytes == 32 && m.map->fifo[0][1].pool_bytes == 128,
               "map_parts_of_several_objects_and_bits",
               "%" PRIu64 " at %" PRIu64 ", %" PRIu64 " at %" PRIu64, a->pool_bytes, a->pool_offset,
               b->pool_bytes, b->pool_offset);
    unmap(&m);
}

/* ---- The drawing ----------------------------------------------------------------------------- */

static const char drawn[] =
    "device npu1 @main: 2 tiles, 2 fifos, 1 cores\n"
    "+----------------------+\n"
    "|core (0,2)            |\n"
    "|  4096 bytes,   6 %   |\n"
    "|s....f.....f....bb....|\n"
    "|S2MM 1/2  MM2S 1/2    |\n"
    "|bds 4/16  locks 4/16  |\n"
    "+----------------------+\n"
    "+----------------------+\n"
    "|shim (0,0)            |\n"
    "|no memory             |\n"
    "|                      |\n"
    "|S2MM 1/2  MM2S 1/2    |\n"
    "|bds by the sequence   |\n"
    "+----------------------+\n"
    "memory from low to high addresses: s stack, f fifo objects, b buffers, c counters, . free\n"
    "\n"
    "fifos (from -> to; DMA channel, x buffers)\n"
    "  @in                  64 bytes  shim (0,0) MM2S 0 -> core (0,2) S2MM 0 x2\n"
    "  @out                 64 bytes  core (0,2) MM2S 0 x2 -> shim (0,0) S2MM 0\n"
    "\n"
    "memory (address, what, bytes; room: what is left above for the constants of kernels)\n"
    "  core (0,2)  0x00000 stack 1024  0x00400 @out[0] 64  0x04000 @out[1] 64  0x08000 @in[0] 64\n"
    "              0x0c000 table 2816  0x0cb00 @in[1] 64  room 13504\n";

static void test_draw(void)
{
    struct mapped m =
        map_text("aie.device(npu1) {\n%s = aie.tile(0, 0)\n%k = aie.tile(0, 2)\n"
                 "aie.objectfifo @in(%s, {%k}, [2, 2]) : !aie.objectfifo<memref<64xi8>>\n"
                 "aie.objectfifo @out(%k, {%s}, [2, 2]) : !aie.objectfifo<memref<64xi8>>\n"
                 "%table = aie.buffer(%k) {mem_bank = 3 : i32} : memref<2816xi8>\n"
                 "aie.core(%k) { aie.end } {stack_size = 1024 : i32}\n}");
    char *text = npu_map_draw(m.map);
    bool same = text && strcmp(text, drawn) == 0;
    check_case(same, "map_draw_small", "%s", same || !text ? "" : text);
    free(text);
    unmap(&m);
    m = map_text(
        "aie.device(npu1) {\n%s = aie.tile(1, 0)\n%k = aie.tile(0, 2)\n%l = aie.tile(2, 3)\n}");
    text = npu_map_draw(m.map);
    check_case(text && !strstr(text, " \n") && strstr(text, "\n                         +---"),
               "map_draw_gaps", "%s", text && !strstr(text, " \n") ? "" : text);
    free(text);
    unmap(&m);
    char *plan = plan_text();
    m = map_text(plan);
    text = npu_map_draw(m.map);
    size_t longest = 0, length = 0;
    for (const char *at = text; at && *at; at++) {
        length = *at == '\n' ? 0 : length + 1;
        longest = length > longest ? length : longest;
    }
    check_case(text && longest <= 100 && strstr(text, "|bds 24/48  locks 12/64|") &&
                   strstr(text, "S2MM 6/6  MM2S 3/6"),
               "map_draw_plan_in_100_columns", "%zu columns", longest);
    free(text);
    free(plan);
    unmap(&m);
}

int main(void)
{
    test_plan();
    test_order();
    test_chain();
    test_placed();
    test_parts();
    test_draw();
    return check_finish();
}
