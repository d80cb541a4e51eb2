#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# npu-sim as a user calls it: test_npu_sim.sh NPU-SIM KERNELS.so TESTS-SIM
sim=$(realpath "$1") kernels=$(realpath "$2") run=$(realpath "$3/run")
mlir=$(realpath "$3/../../mlir")
passed=0 failed=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1

# expect NAME CODE PATTERN ARGUMENT...: the exit code, and a line of the output.
expect() {
    name=$1 code=$2 pattern=$3
    shift 3
    "$sim" "$@" >out.txt 2>&1
    got=$?
    if [ $got -eq "$code" ] && grep -q -e "$pattern" out.txt; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name: exit code $got, expected $code and \"$pattern\""
        sed 's/^/# /' out.txt
        failed=$((failed + 1))
    fi
}

# same NAME COMMAND...: it succeeds.
same() {
    name=$1
    shift
    if "$@" >out.txt 2>&1; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name: exit code $?"
        failed=$((failed + 1))
    fi
}

inverted() {
    od -An -v -tx4 a.bin >a.txt && od -An -v -tx4 b.bin >b.txt && paste -d' ' a.txt b.txt |
        awk 'BEGIN { d = "0123456789abcdef" }
             { for (i = 1; i <= NF / 2; i++) for (j = 1; j <= 8; j++)
                   if (index(d, substr($i, j, 1)) + index(d, substr($(i + NF / 2), j, 1)) != 17) exit 1 }'
}

# The first words of b.bin.
words() {
    test "$(od -An -v -td4 -N $((4 * $#)) b.bin | xargs)" = "$*"
}

head -c 4096 /dev/urandom >a.bin
expect npu_sim_help 0 '^Usage: npu-sim' --help
expect npu_sim_no_design 2 'no design given'
expect npu_sim_no_file 2 'nothere.mlir' nothere.mlir
echo 'module { aie.device(npu1) { aie.nonsense } }' >bad.mlir
expect npu_sim_bad_text 1 'bad.mlir:1:' bad.mlir
expect npu_sim_no_kernel 1 'copy64' "$run/copy.mlir"
expect npu_sim_no_library 2 'none.so' -k none.so "$run/copy.mlir"
expect npu_sim_bad_option 2 'Try npu-sim --help' --nonsense "$run/copy.mlir"
expect npu_sim_user_kernel 0 'modelled cycles' -k "$kernels" "$run/copy.mlir" a.bin -o 1=b.bin
same npu_sim_user_kernel_result inverted
# Scalars of every type, by value there and back: 1, -5, -300, -70000, -5e9, 77, -1.5, then
# -5e9 + 1 and the low bytes of -70000.
expect npu_sim_scalars 0 modelled -k "$kernels" "$run/scalars.mlir" zero -o 1=b.bin
same npu_sim_scalars_result words 1 -5 -300 -70000 -705032704 -2 77 -1077936128 -705032703 -2 -112 -4464
sed 's/index, f32)/index, bf16)/; s/memref<1xf32>/memref<1xbf16>/' "$run/scalars.mlir" >half.mlir
expect npu_sim_scalar_bf16 1 '@mix passes bf16 by value, .* \[kernel-signature\]' -k "$kernels" half.mlir
expect npu_sim_scalar_bf16_elsewhere 0 '0 errors, 3 warnings' --check-only half.mlir
sed 's/npu_matmul_s8s8/npu_matmul_s8s9/' "$mlir/matmul_16.mlir" >misspelt.mlir
expect npu_sim_misspelt_check 0 'warning: .* called npu_matmul_s8s9.* \[kernel-elsewhere\]' --check-only misspelt.mlir
expect npu_sim_misspelt_run 1 'error: no kernel is called npu_matmul_s8s9 ' misspelt.mlir
# The declaration of a built-in kernel is checked: its number is i32.
sed 's/%n = arith.constant 16 : i32/%n = arith.constant 16 : i8/; s/i32) -> ()/i8) -> ()/; s/xi32>, i32)/xi32>, i8)/' \
    "$mlir/matmul_16.mlir" >narrow.mlir
expect npu_sim_narrow_number 1 'is declared as vppp?, the kernel is vpppi ' --check-only narrow.mlir
# 16 x (1000 + 2 acquires + 2 releases) and 48 operations, under each preset; with acquire and
# release at 1000, 16 x 5000. A user's kernel costs what it says.
expect npu_sim_user_cycles 0 'core (0,2) *18064 .* 17488 .* 17008 ' -k "$kernels" --cycles "$run/copy.mlir"
expect npu_sim_other_constant 0 'core (0,2) *80144 .* 80048 .* 80048 ' -k "$kernels" --cycles \
    -c core_acquire=1000 --constant core_release=1000 "$run/copy.mlir"
expect npu_sim_bad_constant 2 'no constant' -c nonsense=1 "$run/copy.mlir"
# A kernel's own constants. matmul_64, published: 32 x (40 + 64^3 / 256 / 0.95 + 40 x 16 + 3 x (25 + 20) + 3).
expect npu_sim_built_in_kernel 0 'core (0,2) *79008 .* 60640 .* 47264 ' --cycles "$mlir/matmul_64.mlir"
expect npu_sim_kernel_constant 0 'core (0,2) *103584 .* 91712 .* 80032 ' --cycles -c kernel_percent=50 \
    "$mlir/matmul_64.mlir"
expect npu_sim_kernel_constant_whole 2 'expected a whole number' -c kernel_call=1.5 "$run/copy.mlir"
expect npu_sim_constants_listed 0 '^route_hop  *4  *4  *4  cycles' --list-constants
expect npu_sim_presets_listed 0 '^dispatch_busy  *3050  *520  *100  cycles .*XE' --list-constants
expect npu_sim_constant_in_every_preset 0 '^dispatch_busy  *7  *7  *7 ' -c dispatch_busy=7 --list-constants
# One number is of preset published; with --cycles it is never one.
expect npu_sim_published 0 '^launch 1: [0-9]* modelled cycles = [0-9.]* us at 1000 MHz, launch cost 118.0 us (modelled)$' \
    -k "$kernels" "$run/copy.mlir"
expect npu_sim_bounds 0 \
    '^launch 1: [0-9]* modelled cycles (pessimistic [0-9]*, best [0-9]*) = [0-9.]* us ([0-9.]*, [0-9.]*) at 1000' \
    -k "$kernels" --cycles "$run/copy.mlir"
expect npu_sim_clock 0 'at 1309 MHz' -k "$kernels" --clock 1309 "$run/copy.mlir"
expect npu_sim_clock_is_assumed 0 'the clock is an assumption' -k "$kernels" --cycles --clock 1309 "$run/copy.mlir"
"$sim" -k "$kernels" --cycles "$run/copy.mlir" >measured.txt
same npu_sim_clock_was_measured sh -c '! grep assumption measured.txt'
expect npu_sim_launches 0 '^launch 3:' -k "$kernels" -n 3 "$run/copy.mlir"
head -c 100 a.bin >small.bin
expect npu_sim_size 2 'small.bin: 100 bytes' -k "$kernels" "$run/copy.mlir" small.bin
expect npu_sim_too_many_buffers 2 '3 buffers given' -k "$kernels" "$run/copy.mlir" zero zero zero
# .npy: written, read again, refused with another type.
expect npu_sim_npy_written 0 modelled -k "$kernels" "$run/copy.mlir" random:7 -o 0=a.npy -o 1=b.bin
same npu_sim_npy_header grep -qa "'descr': '<i4', 'fortran_order': False, 'shape': (1024, )" a.npy
mv b.bin c.bin
expect npu_sim_npy_read 0 modelled -k "$kernels" "$run/copy.mlir" a.npy -o 1=b.bin
same npu_sim_npy_same_result cmp b.bin c.bin
expect npu_sim_random_is_seeded 0 modelled -k "$kernels" "$run/copy.mlir" random:8 -o 1=d.bin
same npu_sim_random_differs sh -c '! cmp -s b.bin d.bin'
head -c 40 a.npy >cut.npy
expect npu_sim_npy_cut 2 'ends in its header' -k "$kernels" "$run/copy.mlir" cut.npy
sed 's/<i4/<f4/' a.npy >float.npy
expect npu_sim_npy_type 2 'elements of type <f4' -k "$kernels" "$run/copy.mlir" float.npy
# Instruction words, there and back.
expect npu_sim_words_written 0 modelled -k "$kernels" "$run/copy.mlir" a.npy --write-insts insts.bin
expect npu_sim_words_run 0 modelled -k "$kernels" "$run/copy.mlir" a.npy -i insts.bin -o 1=e.bin
same npu_sim_words_same_result cmp b.bin e.bin
# Newer compilers write an offset into the descriptor's address (word 9) as well; the patch decides.
cp insts.bin newer.bin
printf '\100\0\1\0' | dd of=newer.bin bs=1 seek=36 conv=notrunc 2>/dev/null
expect npu_sim_words_with_an_address 0 modelled -k "$kernels" "$run/copy.mlir" a.npy -i newer.bin -o 1=f.bin
same npu_sim_words_patch_decides cmp b.bin f.bin
# A packet's header (word 10, bit 30) is something else.
printf '\100' | dd of=newer.bin bs=1 seek=43 conv=notrunc 2>/dev/null
expect npu_sim_words_packet 1 'BD 1 of shim tile (0, 0).*word 2 (0x40000000), bit 30' \
    -k "$kernels" "$run/copy.mlir" a.npy -i newer.bin
head -c 100 insts.bin >cut.bin
expect npu_sim_words_cut 1 '^npu-sim: cut.bin: word' -k "$kernels" "$run/copy.mlir" a.npy -i cut.bin
# Getting stuck: the chain of waits; leftovers.
sed 's/1, 1, 1, 1024\]\[0, 0, 0, 1\]) {metadata = @in/1, 1, 1, 512][0, 0, 0, 1]) {metadata = @in/' \
    "$run/copy.mlir" >stuck.mlir
expect npu_sim_deadlock 1 'core (0,2) waits to acquire 1 of @in (Consume)' -k "$kernels" stuck.mlir
# The usual style of designs: tokens for operands, too, and a wait for the result.
sed 's/@in, id = 0 : i64/&, issue_token = true/' "$run/copy.mlir" >usual.mlir
expect npu_sim_usual_style 0 'note: @in: 3 tokens of MM2S 0 of shim (0,0) never waited for' -k "$kernels" -n 3 usual.mlir
expect npu_sim_usual_style_check 0 '1 tokens\? of @in: .* \[token-unclaimed\]' -k "$kernels" --check-only usual.mlir
for option in --quiet --keep; do
    "$sim" -k "$kernels" "$option" usual.mlir >said.txt 2>&1
    same "npu_sim_usual_style$option" sh -c '! grep "note: @in" said.txt'
done
expect npu_sim_trace 0 modelled -k "$kernels" --trace trace.json "$run/copy.mlir"
same npu_sim_trace_holds_calls sh -c 'test "$(grep -c "\"name\":\"copy64\"" trace.json)" -eq 16'
expect npu_sim_trace_nowhere 2 'nowhere/t.json' -k "$kernels" --trace nowhere/t.json "$run/copy.mlir"
expect npu_sim_check_only 0 '0 errors' -k "$kernels" --check-only "$run/copy.mlir"
sed 's/id = 1 : i64/id = 16 : i64/' "$run/copy.mlir" >wrong.mlir
sed 's/aie.tile(0, 2)/aie.logical_tile<CoreTile>(?, ?)/' "$run/copy.mlir" >unplaced.mlir
expect npu_sim_unplaced_tile 1 'unplaced.mlir:5:13:.*aie-opt --aie-place-tiles' unplaced.mlir
# Dimensions at the joined side are those of a part.
expect npu_sim_check_joined_dimensions 0 ' 0 errors' --check-only "$run/params.mlir"
expect npu_sim_map 0 'core (0,2)' --map "$run/copy.mlir"
expect npu_sim_check_without_kernels 0 ' 0 errors' --check-only "$run/counts.mlir"
expect npu_sim_check_refuses 1 'wrong.mlir:25:.*error: .*16.* \[' -k "$kernels" wrong.mlir
# Files of the wrong kind: one sentence, and an end.
expect npu_sim_folder 2 'a folder, expected a file' -k "$kernels" "$run/copy.mlir" .
expect npu_sim_endless_buffer 2 '/dev/zero: has more than' -k "$kernels" "$run/copy.mlir" /dev/zero
expect npu_sim_endless_constants 2 'expected lines of at most' --constants /dev/zero "$run/copy.mlir"
expect npu_sim_which_sequence 2 'expected --sequence NAME; .* 2 runtime sequences: @mel, @clamp' "$mlir/mel.mlir"
expect npu_sim_which_sequence_as_words 2 'expected --sequence NAME' "$mlir/mel.mlir" --write-insts none.bin
same npu_sim_no_words_written test ! -e none.bin
expect npu_sim_no_such_sequence 2 'no runtime sequence @nosuch' -s nosuch "$mlir/mel.mlir"
sed '/aie.runtime_sequence/,/^ *}$/d' "$mlir/matmul_16.mlir" >core.mlir
expect npu_sim_no_sequence 1 'core.mlir: the design has no runtime sequence' core.mlir
# Built-in kernels refuse numbers that would make a core leave its operands.
sed 's/%n = arith.constant 64 : i32/%n = arith.constant -64 : i32/' "$mlir/matmul_64.mlir" >negative.mlir
expect npu_sim_kernel_argument 1 'negative.mlir:41:.*@npu_matmul_s8s8: n is not 16, 32 or 64' negative.mlir
sed 's/%n = arith.constant 16 : i32/%n = arith.constant 64 : i32/' "$mlir/matmul_16.mlir" >wide.mlir
expect npu_sim_kernel_room 1 '@npu_matmul_s8s8: n x n is more than a matrix has' wide.mlir
# Random jobs: a sentence for any numbers.
expect npu_sim_job_of_norm 1 '@npu_norm_s32s16: job.d is no multiple of 64' \
    "$mlir/layernorm_512.mlir" random:1 random:11
expect npu_sim_job_of_mel 1 '@npu_logmel_clamp: job.n_mels is not 80 or 128' -s mel "$mlir/mel.mlir" \
    random:1 random:2 random:3
for design in "$mlir"/*.mlir; do
    for sequence in $(sed -n 's/.*aie.runtime_sequence @\([a-z0-9_]*\).*/\1/p' "$design"); do
        "$sim" -q -s "$sequence" "$design" random:2 random:12 >out.txt 2>&1
        got=$?
        grep -q 'runtime error\|Sanitizer' out.txt && got=sanitizer
        case $got in
        0 | 1) ;;
        *)
            echo "# $design @$sequence: exit code $got"
            crashed=1
            ;;
        esac
    done
done
same npu_sim_random_operands test -z "${crashed-}"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
