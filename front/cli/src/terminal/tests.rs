use nix::pty::{Winsize, openpty};
use nix::sys::termios::LocalFlags;

use super::*;

#[test]
fn a_terminal_is_raw_for_a_while_and_then_as_it_was() {
    let size = Winsize {
        ws_row: 50,
        ws_col: 132,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pair = openpty(Some(&size), None).unwrap();
    let before = tcgetattr(&pair.slave).unwrap();
    assert!(before.local_flags.contains(LocalFlags::ECHO | LocalFlags::ISIG));
    let raw = RawMode::begin(&pair.slave).unwrap();
    let now = tcgetattr(&pair.slave).unwrap();
    assert!(
        !now.local_flags
            .intersects(LocalFlags::ECHO | LocalFlags::ISIG | LocalFlags::ICANON)
    );
    let seen = super::size(&pair.slave).unwrap();
    assert_eq!((seen.columns, seen.rows), (132, 50));
    drop(raw);
    assert_eq!(tcgetattr(&pair.slave).unwrap(), before);
}

#[test]
fn a_file_is_no_terminal() {
    assert!(RawMode::begin(tempfile::tempfile().unwrap()).is_none());
}

#[test]
fn input_is_handed_over_with_its_end() {
    let (typed, mut input) = tokio::sync::mpsc::channel(4);
    read_in_background(&b"hello"[..], typed, Typed::End);
    assert_eq!(
        input.blocking_recv(),
        Some(Typed::Bytes(b"hello".to_vec().into()))
    );
    assert_eq!(input.blocking_recv(), Some(Typed::End));
    assert_eq!(input.blocking_recv(), None);
}
