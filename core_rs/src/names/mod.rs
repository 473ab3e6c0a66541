//! Vietnamese text: Unicode, tone placement, legacy encodings, folding, phones and ids.
