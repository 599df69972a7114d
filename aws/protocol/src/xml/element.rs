//! XML as a tree: elements with text and children, without attributes and namespaces.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::limit::{LIST_MAX_ENTRIES, XML_MAX_DEPTH};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Without its prefix.
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    #[error("the answer is not XML: {0}")]
    Syntax(String),
    #[error("the answer's XML is nested more than {XML_MAX_DEPTH} deep")]
    TooDeep,
    #[error("an element of the answer has more than {LIST_MAX_ENTRIES} children")]
    TooMany,
    #[error("the answer's XML ends too early")]
    Unfinished,
}

impl Element {
    /// # Errors
    /// When it is not one well-formed element within the limits.
    pub fn parse(text: &str) -> Result<Self, XmlError> {
        let syntax = |cause: &dyn std::fmt::Display| XmlError::Syntax(cause.to_string());
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = Vec::new();
        loop {
            let event = reader.read_event().map_err(|it| syntax(&it))?;
            let done = match event {
                Event::Start(it) => {
                    if open.len() == XML_MAX_DEPTH {
                        return Err(XmlError::TooDeep);
                    }
                    let name = it.local_name().as_ref().to_owned();
                    open.push(Self {
                        name,
                        ..Self::default()
                    });
                    None
                }
                Event::Empty(it) => {
                    let name = it.local_name().as_ref().to_owned();
                    Some(Self {
                        name,
                        ..Self::default()
                    })
                }
                Event::End(_) => Some(open.pop().ok_or(XmlError::Unfinished)?),
                Event::Text(it) => {
                    append(&mut open, &it.xml10_content());
                    None
                }
                Event::CData(it) => {
                    append(&mut open, &it.xml10_content());
                    None
                }
                Event::GeneralRef(it) => {
                    let text = match it.resolve_char_ref().map_err(|it| syntax(&it))? {
                        Some(char) => char.to_string(),
                        None => {
                            let name: &str = &it;
                            quick_xml::escape::resolve_predefined_entity(name)
                                .ok_or_else(|| XmlError::Syntax(format!("the entity {name} is not known")))?
                                .to_owned()
                        }
                    };
                    append(&mut open, &text);
                    None
                }
                Event::Eof => return Err(XmlError::Unfinished),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
            };
            if let Some(element) = done {
                let Some(parent) = open.last_mut() else {
                    return Ok(element);
                };
                if parent.children.len() == LIST_MAX_ENTRIES {
                    return Err(XmlError::TooMany);
                }
                parent.children.push(element);
            }
        }
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|it| it.name == name)
    }

    /// The text of the first child of this name, without spaces around it.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|it| it.text.trim())
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}
