//! The entry points over their seeds and mutations of them. The number of rounds is fixed, so that a slow machine tests as
//! much as a fast one.

#[path = "mutation/round.rs"]
mod round;

use round::run;
use test_mutation::{dockerfile, layer, packet, workflow};

#[test]
fn dockerfiles() {
    let words = &[
        "FROM a\n",
        "RUN ",
        "COPY ",
        "ADD ",
        "ONBUILD ",
        "ENV A=",
        "<<EOF",
        "EOF\n",
        "${A:-",
        "${A##",
        "${A//",
        "}",
        "$",
        "\\\n",
        "\"",
        "'",
        "--mount=",
        "--from=",
        "[\"",
        "# escape=`\n",
        "\t",
        "ñ",
        "\u{feff}",
        "\0",
        ",",
        "=",
        "!",
        "**/",
        "\r\n",
    ];
    run("dockerfile", words, 6_000, dockerfile::check);
}

#[test]
fn expressions() {
    let words = &[
        "'",
        "''",
        "(",
        ")",
        "[",
        "]",
        ".*",
        ".",
        ",",
        "!",
        "&&",
        "||",
        "==",
        "<=",
        "0x",
        "1e9",
        "-",
        "fromJSON('",
        "format('",
        "{0}",
        "{{",
        "toJSON(",
        "contains(",
        "text",
        "list",
        "null",
        "NaN",
        "ñ",
        "\0",
        "\n",
    ];
    run("expression", words, 20_000, workflow::expression);
}

#[test]
fn workflows() {
    let words = &[
        "on: push\n",
        "jobs:\n",
        "  a:\n",
        "    steps:\n",
        "    - run: x\n",
        "    needs: [a]\n",
        "${{ ",
        " }}",
        "&a ",
        "*a",
        "<<: ",
        "|\n",
        ">-\n",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "#",
        "\t",
        "\r\n",
        "ñ",
        "\u{feff}",
        "\0",
        "!!binary ",
        "---\n",
        "matrix:\n",
        "include:\n",
        "using: composite\n",
    ];
    run("workflow", words, 6_000, workflow::file);
}

#[test]
fn layers() {
    let words = &[
        "../",
        "/",
        "outside/",
        "link/",
        ".wh.",
        ".wh..wh..opq",
        "\0",
        "0000644\0",
        "777777777777",
        "1",
        "2",
        "5",
        "6",
        "x",
        "L",
        "path=",
    ];
    run("layer", words, 1_500, layer::check);
}

#[test]
fn packets() {
    let words = &[
        "\u{3}www",
        "\u{7}example",
        "\u{3}com\0",
        "\u{1}*",
        "\u{9}localhost\0",
        "\0\u{1}\0\u{1}",
        "\0\u{5}\0\u{1}",
        "\0\u{1c}\0\u{1}",
        "\0\0)\u{4}\0\0\0\0\0\0\0",
        "\0\u{8}\0\u{7}\0\u{1}\u{18}\0",
        "\0\n\0\u{8}",
        "\0\0",
        "\0\u{1}",
        "ÿ",
        "À\u{c}",
        "?",
    ];
    run("packet", words, 60_000, packet::check);
}
