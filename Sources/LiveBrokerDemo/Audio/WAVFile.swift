// SPDX-License-Identifier: Apache-2.0

/// Reads the one kind of WAV that the Live API wants as input: PCM, 16 kHz, 16 bit, mono.
///
/// A WAV file is `RIFF`, a length, `WAVE`, then chunks: four letters, a length, so many bytes, and
/// one more if the length is odd. Nothing in the file is believed before it has been checked
/// against the number of bytes that are there.
enum WAVFile {
  /// The samples of the file. The error's message continues a sentence that begins with its name.
  static func recording(in file: [UInt8]) throws(RecordingError) -> Recording {
    try checkHead(of: file)
    var format: Format?
    var rest = 12
    while let chunk = try Chunk(in: file, at: rest) {
      switch chunk.name {
      case "fmt ":
        format = try Format(file[chunk.body])
        try format?.check()
      case "data":
        guard format != nil else {
          throw RecordingError("is damaged: its samples come before its format")
        }
        return try recording(from: file[chunk.body])
      default:
        break
      }
      rest = chunk.end
    }
    throw RecordingError(
      format == nil
        ? "is damaged: it has neither a format nor samples" : "is damaged: it has no samples")
  }

  private static func checkHead(of file: [UInt8]) throws(RecordingError) {
    guard !file.isEmpty else { throw RecordingError("is empty") }
    let kind = letters(of: file.prefix(4))
    guard kind == "RIFF" else { throw RecordingError("is no WAV file: \(guess(file, kind: kind))") }
    guard file.count >= 12 else {
      throw RecordingError("is no WAV file: it ends after its first letters")
    }
    let form = letters(of: file[8..<12])
    guard form == "WAVE" else {
      throw RecordingError("is no WAV file: it is RIFF of the kind '\(form)'")
    }
  }

  private static func recording(from body: ArraySlice<UInt8>) throws(RecordingError) -> Recording {
    guard body.count.isMultiple(of: 2) else {
      throw RecordingError("is damaged: \(body.count) bytes are no whole number of 16-bit samples")
    }
    guard let recording = Recording(pcm: Array(body)) else {
      throw RecordingError(
        "is too short: \(body.count) bytes of samples, and one frame has \(Recording.frameBytes)")
    }
    return recording
  }

  private static func guess(_ file: [UInt8], kind: String) -> String {
    switch kind {
    case "RF64", "RIFX": "it is \(kind), a variant that is not read here"
    case "OggS": "it is Ogg"
    case "fLaC": "it is FLAC"
    case "FORM": "it is AIFF"
    case _ where kind.hasPrefix("ID3"): "it is MP3"
    case _ where file.starts(with: [0xFF, 0xFB]): "it is MP3"
    case _ where file.count >= 8 && letters(of: file[4..<8]) == "ftyp": "it is MP4"
    default: "it begins with '\(kind)' instead of 'RIFF'"
    }
  }

  /// Bytes as text for a message; what is not printable becomes a dot.
  fileprivate static func letters(of bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.map { (0x20...0x7E) ~= $0 ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
  }

  fileprivate static func number(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

extension WAVFile {
  /// A named part of the file.
  private struct Chunk {
    let name: String
    let body: Range<Int>
    /// Where the next chunk begins.
    let end: Int

    /// A writer that could not know the length in advance (a pipe) leaves one of these.
    private static let unknownLengths = 0x7FFF_0000...0xFFFF_FFFF

    /// Nil at the end of the file.
    init?(in file: [UInt8], at start: Int) throws(RecordingError) {
      // Less than a chunk's head is padding that some writers leave behind.
      guard start <= file.count - 8 else { return nil }
      name = WAVFile.letters(of: file[start..<(start + 4)])
      let length = WAVFile.number(file[(start + 4)..<(start + 8)])
      let present = file.count - start - 8
      if length <= present {
        body = (start + 8)..<(start + 8 + length)
      } else if name == "data", Self.unknownLengths ~= length {
        body = (start + 8)..<(file.count - present % 2)
      } else {
        throw RecordingError(
          "is cut off: its part '\(name)' should have \(length) bytes and has \(present)")
      }
      end = body.upperBound + length % 2
    }
  }

  /// What the samples are.
  private struct Format {
    let code: Int
    let channels: Int
    let samplesPerSecond: Int
    let bitsPerSample: Int

    init(_ body: ArraySlice<UInt8>) throws(RecordingError) {
      guard body.count >= 16 else {
        throw RecordingError("is damaged: its format has \(body.count) bytes instead of 16 or more")
      }
      func number(_ offset: Int, _ count: Int) -> Int {
        WAVFile.number(body[(body.startIndex + offset)..<(body.startIndex + offset + count)])
      }
      // 0xFFFE says that the real code stands in an extension.
      let plain = number(0, 2)
      code = plain == 0xFFFE && body.count >= 26 ? number(24, 2) : plain
      channels = number(2, 2)
      samplesPerSecond = number(4, 4)
      bitsPerSample = number(14, 2)
    }

    func check() throws(RecordingError) {
      let found = "\(kind), \(samplesPerSecond) Hz, \(bitsPerSample) bit, \(channelText)"
      guard code == 1, channels == 1, samplesPerSecond == 16_000, bitsPerSample == 16 else {
        throw RecordingError("is \(found); needed is PCM, 16000 Hz, 16 bit, mono")
      }
    }

    private var kind: String {
      switch code {
      case 1: "PCM"
      case 2: "ADPCM"
      case 3: "floating point"
      case 6: "A-law"
      case 7: "mu-law"
      case 0x55: "MP3 in WAV"
      default: "format \(code)"
      }
    }

    private var channelText: String {
      switch channels {
      case 1: "mono"
      case 2: "stereo"
      default: "\(channels) channels"
      }
    }
  }
}
