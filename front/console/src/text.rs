//! Text of strangers on a page: never markup, never endless, never turned round.
//!
//! maud escapes it. Here control characters become visible, colours of terminals are dropped, and what is too long
//! is cut, with more of it in a tooltip.

use maud::{Markup, html};

/// Characters of a name that a page shows.
pub(crate) const NAME_MAX_CHARS: usize = 64;
/// Characters of a sentence or of a line of a log that a page shows.
pub(crate) const LINE_MAX_CHARS: usize = 2000;
/// Characters that a tooltip shows.
const TITLE_MAX_CHARS: usize = 500;

/// A name, in a box of its own direction.
pub(crate) fn name(text: &str) -> Markup {
    let shown = clean(text, NAME_MAX_CHARS);
    let whole = text
        .chars()
        .nth(NAME_MAX_CHARS)
        .map(|_| clean(text, TITLE_MAX_CHARS));
    html! { bdi dir="auto" title=[whole] { (shown) } }
}

/// A sentence or a line of a log.
pub(crate) fn line(text: &str) -> Markup {
    html! { bdi dir="auto" { (clean(text, LINE_MAX_CHARS)) } }
}

/// At most so many characters, none of which does anything.
pub(crate) fn clean(text: &str, at_most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(at_most));
    let mut chars = text.chars();
    let mut count = 0;
    while let Some(one) = chars.next() {
        if count == at_most {
            out.push('…');
            break;
        }
        match one {
            '\u{1b}' => {
                skip_escape(&mut chars);
                continue;
            }
            '\t' => out.push(' '),
            '\u{7f}' => out.push('\u{2421}'),
            '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + one as u32)),
            _ if is_invisible(one) => {
                out.push_str(&format!("⟨U+{:04X}⟩", one as u32));
            }
            _ => out.push(one),
        }
        count += 1;
    }
    out
}

/// What turns text round, or hides in it.
fn is_invisible(one: char) -> bool {
    matches!(one, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Leaves out what follows ESC: a sequence such as `[31m`, or one up to BEL as titles of windows are.
fn skip_escape(chars: &mut std::str::Chars<'_>) {
    let mut ahead = chars.clone();
    let is_whole = match ahead.next() {
        Some('[') => ahead.by_ref().any(|it| ('\u{40}'..='\u{7e}').contains(&it)),
        Some(']') => ahead.by_ref().any(|it| it == '\u{7}'),
        other => other.is_some(),
    };
    if is_whole {
        *chars = ahead;
    }
}

#[cfg(test)]
mod tests;
