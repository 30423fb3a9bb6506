// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A recording that the sessions of a tour speak from: PCM, 16 kHz, 16 bit, mono, little-endian,
/// read in frames of 20 ms, round and round.
struct Recording: Sendable, Equatable {
  /// Bytes of one frame: 20 ms at 16,000 samples of two bytes per second.
  static let frameBytes = 640
  /// Samples of one frame.
  static let frameSamples = 320
  /// Samples of one second.
  static let samplesPerSecond = 16_000
  /// Bytes of one second.
  static let bytesPerSecond = 32_000

  /// The samples, two bytes each; at least one frame of them.
  let bytes: [UInt8]

  /// Nil unless the bytes are whole samples and at least one frame.
  init?(pcm bytes: [UInt8]) {
    guard bytes.count >= Self.frameBytes, bytes.count.isMultiple(of: 2) else { return nil }
    self.bytes = bytes
  }

  var sampleCount: Int { bytes.count / 2 }

  /// How long one pass lasts.
  var duration: Duration { .microseconds(sampleCount * 1_000_000 / Self.samplesPerSecond) }

  /// Whole frames in one pass.
  var frameCount: Int { bytes.count / Self.frameBytes }

  /// The frame that begins at a sample, 640 bytes; behind the end of the recording it goes on from
  /// the beginning. Any position is valid: it is taken modulo the length.
  func frame(at position: Int) -> [UInt8] {
    let start = wrapped(position) * 2
    let end = start + Self.frameBytes
    guard end > bytes.count else { return Array(bytes[start..<end]) }
    return Array(bytes[start...]) + bytes[..<(end - bytes.count)]
  }

  /// Where the frame begins that follows the one at `position`.
  ///
  /// A recording whose length is no multiple of a frame's gives other frames in its second pass
  /// than in its first, so that even a loss of one whole pass would show.
  func position(after position: Int, by frames: Int = 1) -> Int {
    wrapped(wrapped(position) + (frames % sampleCount) * Self.frameSamples)
  }

  /// Where consecutive frames begin.
  func positions(from position: Int, count: Int) -> [Int] {
    (0..<max(0, count)).map { self.position(after: position, by: $0) }
  }

  /// Consecutive frames of 640 bytes, beginning with the one at `position`.
  func frames(from position: Int, count: Int) -> [[UInt8]] {
    positions(from: position, count: count).map { frame(at: $0) }
  }

  /// How many of the whole frames of one pass are equal to no other.
  var uniqueFrameCount: Int {
    let prints = positions(from: 0, count: frameCount).map { FramePrint(frame(at: $0)) }
    return Dictionary(grouping: prints) { $0 }.count { $0.value.count == 1 }
  }

  private func wrapped(_ position: Int) -> Int {
    let rest = position % sampleCount
    return rest < 0 ? rest + sampleCount : rest
  }
}

/// A recording could not be had; the message says what was found instead of one.
struct RecordingError: Error, Equatable, CustomStringConvertible {
  var message: String
  init(_ message: String) { self.message = message }
  var description: String { message }
}

extension Recording {
  /// Longer files are refused: an hour and a half of speech, far more than a tour needs.
  static let largestFile = 180_000_000

  /// The recording that the user chose; nil if the sessions shall not speak.
  static func load(_ source: SpeechSource) throws(RecordingError) -> Recording? {
    switch source {
    case .none: nil
    case .builtIn: try builtIn()
    case .file(let path): try load(wavFile: path)
    }
  }

  /// The recording that is built into the program. Decodes 1.3 MB of base64: keep the result.
  static func builtIn() throws(RecordingError) -> Recording {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(RecordedSpeech.byteCount)
    for chunk in RecordedSpeech.chunks {
      let text = UnsafeBufferPointer(start: chunk.utf8Start, count: chunk.utf8CodeUnitCount)
      guard let part = Data(base64Encoded: Data(buffer: text)) else {
        throw RecordingError("the built-in recording is damaged")
      }
      bytes += part
    }
    guard bytes.count == RecordedSpeech.byteCount, let recording = Recording(pcm: bytes) else {
      throw RecordingError("the built-in recording is damaged")
    }
    return recording
  }

  /// Reads a WAV file of the user.
  static func load(wavFile path: String) throws(RecordingError) -> Recording {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw RecordingError("there is no file '\(path)'")
    }
    guard !isDirectory.boolValue else { throw RecordingError("'\(path)' is a directory") }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw RecordingError("'\(path)' cannot be read")
    }
    defer { try? handle.close() }
    let data: Data
    do {
      data = try handle.read(upToCount: largestFile + 1) ?? Data()
    } catch {
      throw RecordingError("'\(path)' cannot be read: \(error.localizedDescription)")
    }
    guard data.count <= largestFile else {
      throw RecordingError("'\(path)' is larger than \(largestFile) bytes")
    }
    do throws(RecordingError) {
      return try WAVFile.recording(in: Array(data))
    } catch {
      throw RecordingError("'\(path)' \(error.message)")
    }
  }
}
