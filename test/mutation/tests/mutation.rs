//! The entry points over their seeds and mutations of them. The number of rounds is fixed, so that a slow machine tests as
//! much as a fast one.

#[path = "mutation/round.rs"]
mod round;

use round::run;
use test_mutation::{dockerfile, layer};

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
