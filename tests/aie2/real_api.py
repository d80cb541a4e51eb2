#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Check the core kernels' types against AMD's own aie_api, without its compiler.

    tests/aie2/real_api.py DIR      DIR: include/ of a checkout of github.com/Xilinx/aie_api

clang++ -fsyntax-only compiles the library's templates and concepts for AIE2. The device compiler's
native vector types and intrinsics are declared here from the names that the library uses, intrinsics
without checking their arguments. So it shows that every call in kernels/aie2 exists in the library
with these template parameters and operand types; it shows nothing about code generation. The FFT is
left out. Exit code 0: all sources pass, and a call that does not exist fails.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NATIVE = r"v\d+(?:u?int\d+|cint\d+|c?acc\d+|c?accfloat|c?bfloat16|c?float)(?:_sparse\w*)?"
ROUNDING = {"floor": 0, "ceil": 1, "sym_floor": 2, "sym_ceil": 3, "neg_inf": 8, "pos_inf": 9,
            "sym_zero": 10, "sym_inf": 11, "conv_even": 12, "conv_odd": 13}
EMPTY_MACROS = """chess_storage(...) chess_copy(x)(x) chess_manifest(x)(x) chess_error(x) chess_const(x)true
chess_protect_access chess_separator_scheduler_local() chess_separator_scheduler(...) chess_memory_fence()
chess_prepare_for_pipelining chess_loop_range(...) chess_loop_count(...) chess_unroll_loop(...) chess_flatten_loop
property(x) __aie_register_keep(...) __aie_register_keep_complex(...) __aie_copy(x)(x)""".split()
HEAD = """#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#define AIE_VECTOR_LDST_ALIGN 32
struct any_value {
    template <class T> requires(!std::is_reference_v<T>) operator T() const;
    unsigned operator~() const;
};
using addr_t = uint32_t;
struct int4_t { int8_t v; int4_t() = default; constexpr int4_t(int x) : v(x) {} constexpr operator int() const { return v; } };
struct uint4_t { uint8_t v; uint4_t() = default; constexpr uint4_t(int x) : v(x) {} constexpr operator unsigned() const { return v; } };
struct bfloat16 { uint16_t v; bfloat16() = default; constexpr bfloat16(float) : v(0) {} constexpr operator float() const { return 0; } };
template <class T> struct pair_of { T real, imag; pair_of() = default; constexpr pair_of(T a, T b = 0) : real(a), imag(b) {} };
struct cint16 : pair_of<int16_t> { using pair_of::pair_of; };
struct cint32 : pair_of<int32_t> { using pair_of::pair_of; };
struct cfloat : pair_of<float> { using pair_of::pair_of; };
enum class aie_dm_resource { none, a, b, c, d, ab, ac, ad, bc, bd, cd, stack };
template <class T> using aie_dm_resource_remove_t = T;
template <class T, aie_dm_resource> using aie_dm_resource_set_t = T;
template <class T> inline constexpr aie_dm_resource aie_dm_resource_get_v = aie_dm_resource::none;
"""


def native_type(name):
    return (f"struct {name} {{ {name}() = default; {name}(const {name}&) = default; {name}& operator=(const {name}&) = default;"
            f" {name}(any_value); template <class T> requires(std::is_class_v<T> && !std::is_same_v<T, any_value>)"
            f" explicit {name}(const T&); }};")


def declare(name, types):
    """An intrinsic, or a constant of shuffles and terms."""
    if re.match(r"(T\d|D?INTLV_|OP_)", name):
        return f"constexpr unsigned {name} = 1;"
    result = re.search(rf"_({NATIVE})$", name)
    result = result.group(1) if result and result.group(1) in types else "any_value"
    return f"template <class... A> {result} {name}(A&&...);"


def scan(include):
    """Names of native types and of global functions in the AIE2 part of the library."""
    types, names = set(), set()
    for path in include.rglob("*.hpp"):
        if {"aie1", "aie2p", "adf"} & set(path.parts):
            continue
        text = re.sub(r"//.*", "", path.read_text())
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        types |= set(re.findall(rf"\b({NATIVE})\b", text))
        names |= set(re.findall(r"(?<![\w>:])::\s*([a-zA-Z_]\w*)\s*\(", text))
        names |= set(re.findall(r"\b(T\d+_\w+)\b", text))
    return types, names


def write_declarations(path, types, names):
    lines = [HEAD]
    for macro in EMPTY_MACROS:
        name, _, value = re.match(r"(\w+(\((?:x|\.\.\.|)\))?)(.*)", macro).groups()
        lines.append(f"#define {name} {value}")
    for bank in "a b c d ab ac ad bc bd cd stack".split():
        lines.append(f"#define __aie_dm_resource_{bank}")
    for bits in (16, 24, 32, 40, 48, 56, 64):
        lines.append(f"struct acc{bits} {{}}; struct cacc{bits} {{}};")
    lines.append("struct accfloat {}; struct caccfloat {};")
    lines += [f"constexpr unsigned rnd_{name} = {number};" for name, number in ROUNDING.items()]
    lines += [native_type(name) for name in sorted(types)]
    lines.append("v64int8 operator-(const v64int8 &, const v64int8 &);")
    lines += [declare(name, types) for name in sorted(names)]
    path.write_text("\n".join(lines) + "\n")


def compile_with(work, source):
    return subprocess.run(
        ["clang++", "-std=c++20", "-fsyntax-only", "-D__AIE_ARCH__=20", "-D__AIE_MODEL_VERSION__=10400",
         "-D__AIE_API_AIE_ADF_HPP__", "-ferror-limit=1000", "-include", "declarations.h", f"-I{work}",
         f"-I{work / 'include'}", f"-I{ROOT}", str(source)], capture_output=True, text=True, cwd=work, check=False)


def prepare(work, include):
    """A copy of the library without FFT, and declarations until the library itself compiles."""
    shutil.copytree(include, work / "include")
    for name in ("fft.hpp", "detail/fft.hpp"):
        (work / "include/aie_api" / name).write_text("#pragma once\n")
    types, names = scan(work / "include")
    (work / "library.cc").write_text("#include <aie_api/aie.hpp>\n")
    for _ in range(5):
        write_declarations(work / "declarations.h", types, names)
        done = compile_with(work, work / "library.cc")
        more = set(re.findall(r"(?:undeclared identifier|no member named) '(\w+)'", done.stderr)) - names
        if done.returncode == 0 or not more:
            return done
        names |= more
    return done


def main():
    if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "aie_api/aie.hpp").exists():
        sys.exit(__doc__)
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        library = prepare(work, pathlib.Path(sys.argv[1]))
        if library.returncode:
            sys.exit("the library itself does not compile:\n" + library.stderr)
        wrong = work / "wrong.cc"
        wrong.write_text("#include <aie_api/aie.hpp>\nvoid f() { aie::mmul<8, 8, 8, int16, int16> m; "
                         "m.to_vector<int16>(0); }\n")
        for source in sorted((ROOT / "kernels/aie2").glob("*.cc")) + [wrong]:
            done = compile_with(work, source)
            good = (done.returncode == 0) == (source != wrong)
            failed += not good
            print("ok" if good else "not ok", f"real_api_{source.stem}")
            if not good:
                print(done.stderr)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
