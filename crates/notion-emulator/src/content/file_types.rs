//! Which files Notion takes: extensions, the content types that go with each, and what such a file is good for.
//! Source: Notion, "Working with files and media", supported file types (September 2026). That page names extensions; the
//! types of those that it added in 2026 are guessed from the registry of media types.

/// What a file is, as far as it matters where it may be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Audio,
    Image,
    Pdf,
    Video,
    /// All else: documents, tables, archives, drawings.
    Productivity,
}

/// Files with one of these extensions.
#[derive(Debug)]
pub(crate) struct FileType {
    extensions: &'static [&'static str],
    /// The first is what Notion infers from the extension; the others are taken too.
    types: &'static [&'static str],
    pub(crate) category: Category,
}

impl FileType {
    /// What Notion infers from the extension.
    pub(crate) fn content_type(&self) -> &'static str {
        self.types[0]
    }

    /// What Notion adds to a name without extension.
    pub(crate) fn extension(&self) -> &'static str {
        self.extensions[0]
    }

    /// Whether a file of this extension may come as `content_type`.
    pub(crate) fn takes(&self, content_type: &str) -> bool {
        self.types.contains(&content_type)
    }
}

/// By the extension of a file's name.
pub(crate) fn by_extension(extension: &str) -> Option<&'static FileType> {
    let extension = extension.to_ascii_lowercase();
    TYPES.iter().find(|known| known.extensions.contains(&extension.as_str()))
}

/// By content type.
pub(crate) fn by_content_type(content_type: &str) -> Option<&'static FileType> {
    TYPES.iter().find(|known| known.takes(content_type))
}

/// The extension of a name, without its dot.
pub(crate) fn extension_of(name: &str) -> Option<&str> {
    let (before, extension) = name.rsplit_once('.')?;
    (!before.is_empty() && !extension.is_empty()).then_some(extension)
}

const fn kind(
    category: Category,
    extensions: &'static [&'static str],
    types: &'static [&'static str],
) -> FileType {
    FileType { extensions, types, category }
}

use Category::{Audio, Image, Pdf, Productivity, Video};

/// A recorded answer of June 2025 infers `application/mp4` from `.mp4`; `audio/x-wav` is known to be refused.
const TYPES: &[FileType] = &[
    kind(Audio, &["aac", "adts"], &["audio/aac"]),
    kind(Audio, &["mid", "midi"], &["audio/midi"]),
    kind(Audio, &["mp3", "mpga"], &["audio/mpeg"]),
    kind(Audio, &["m4a", "m4b"], &["audio/mp4"]),
    kind(Audio, &["ogg", "oga"], &["audio/ogg"]),
    kind(Audio, &["opus"], &["audio/opus", "audio/ogg"]),
    kind(Audio, &["wav"], &["audio/wav"]),
    kind(Audio, &["wma"], &["audio/x-ms-wma"]),
    kind(Audio, &["weba"], &["audio/webm"]),
    kind(Audio, &["flac"], &["audio/flac"]),
    kind(Pdf, &["pdf"], &["application/pdf"]),
    kind(Productivity, &["txt"], &["text/plain"]),
    kind(Productivity, &["csv"], &["text/csv"]),
    kind(Productivity, &["json"], &["application/json"]),
    kind(Productivity, &["js"], &["text/javascript", "application/javascript"]),
    kind(Productivity, &["ts", "tsx"], &["text/typescript", "application/typescript"]),
    kind(Productivity, &["py"], &["text/x-python"]),
    kind(Productivity, &["doc", "dot"], &["application/msword"]),
    kind(
        Productivity,
        &["docx"],
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ),
    kind(
        Productivity,
        &["dotx"],
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.template"],
    ),
    kind(Productivity, &["xls", "xlt", "xla"], &["application/vnd.ms-excel"]),
    kind(Productivity, &["xlsx"], &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]),
    kind(Productivity, &["xltx"], &["application/vnd.openxmlformats-officedocument.spreadsheetml.template"]),
    kind(Productivity, &["ppt", "pot", "pps", "ppa"], &["application/vnd.ms-powerpoint"]),
    kind(
        Productivity,
        &["pptx"],
        &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
    ),
    kind(Productivity, &["potx"], &["application/vnd.openxmlformats-officedocument.presentationml.template"]),
    kind(Productivity, &["rtf"], &["application/rtf", "text/rtf"]),
    kind(Productivity, &["md", "markdown"], &["text/markdown"]),
    kind(Productivity, &["html", "htm"], &["text/html"]),
    kind(Productivity, &["epub"], &["application/epub+zip"]),
    kind(Productivity, &["xml"], &["application/xml", "text/xml"]),
    kind(Productivity, &["css"], &["text/css"]),
    kind(Productivity, &["odt"], &["application/vnd.oasis.opendocument.text"]),
    kind(Productivity, &["ods"], &["application/vnd.oasis.opendocument.spreadsheet"]),
    kind(Productivity, &["odp"], &["application/vnd.oasis.opendocument.presentation"]),
    kind(Productivity, &["ics"], &["text/calendar"]),
    kind(Productivity, &["yaml", "yml"], &["application/yaml", "text/yaml"]),
    kind(Productivity, &["tsv"], &["text/tab-separated-values"]),
    kind(Productivity, &["zip"], &["application/zip"]),
    kind(Productivity, &["gz", "gzip"], &["application/gzip"]),
    kind(Productivity, &["tar"], &["application/x-tar"]),
    kind(Productivity, &["7z"], &["application/x-7z-compressed"]),
    kind(Productivity, &["bz2"], &["application/x-bzip2"]),
    kind(Productivity, &["rar"], &["application/vnd.rar"]),
    kind(Image, &["gif"], &["image/gif"]),
    kind(Image, &["heic"], &["image/heic"]),
    kind(Image, &["jpeg", "jpg"], &["image/jpeg"]),
    kind(Image, &["png"], &["image/png"]),
    kind(Image, &["svg"], &["image/svg+xml"]),
    kind(Image, &["tiff", "tif"], &["image/tiff"]),
    kind(Image, &["webp"], &["image/webp"]),
    kind(Image, &["ico"], &["image/vnd.microsoft.icon"]),
    kind(Image, &["bmp"], &["image/bmp"]),
    kind(Image, &["avif"], &["image/avif"]),
    kind(Image, &["apng"], &["image/apng"]),
    kind(Video, &["amv"], &["video/x-amv"]),
    kind(Video, &["asf", "wmv"], &["video/x-ms-asf", "video/x-ms-wmv"]),
    kind(Video, &["avi"], &["video/x-msvideo"]),
    kind(Video, &["f4v"], &["video/x-f4v"]),
    kind(Video, &["flv"], &["video/x-flv"]),
    kind(Video, &["mp4"], &["application/mp4", "video/mp4", "audio/mp4"]),
    kind(Video, &["gifv"], &["video/mp4"]),
    kind(Video, &["m4v"], &["video/x-m4v", "video/mp4"]),
    kind(Video, &["mkv"], &["video/x-matroska", "video/webm"]),
    kind(Video, &["webm"], &["video/webm"]),
    kind(Video, &["mov", "qt"], &["video/quicktime"]),
    kind(Video, &["mpeg"], &["video/mpeg"]),
    kind(Video, &["ogv"], &["video/ogg"]),
    kind(Video, &["3gp"], &["video/3gpp"]),
    kind(Video, &["3g2"], &["video/3gpp2"]),
    kind(Productivity, &["dwg"], &["image/vnd.dwg"]),
    kind(Productivity, &["dxf"], &["image/vnd.dxf"]),
    kind(Productivity, &["dwf"], &["model/vnd.dwf"]),
    kind(Productivity, &["step", "stp"], &["model/step"]),
    kind(Productivity, &["iges", "igs"], &["model/iges"]),
    kind(Productivity, &["stl"], &["model/stl"]),
    kind(Productivity, &["obj"], &["model/obj"]),
    kind(Productivity, &["3mf"], &["model/3mf"]),
    kind(Productivity, &["gltf"], &["model/gltf+json"]),
    kind(Productivity, &["glb"], &["model/gltf-binary"]),
    kind(Productivity, &["dae"], &["model/vnd.collada+xml"]),
    kind(Productivity, &["usdz"], &["model/vnd.usdz+zip"]),
];
