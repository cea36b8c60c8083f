//! Draws QR codes and reads them from pictures and photographs.

mod decode;
mod draw;
mod picture;
mod read;
mod svg;
mod view;

pub use draw::{EncodeError, Level, QrCode, Terminal};
pub use read::{ReadError, read, read_luma};
