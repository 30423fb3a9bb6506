// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Writes the model's voice as it comes: PCM, 24 kHz, 16 bit, mono.
///
/// The file is created before the talk begins, so that a path that cannot be written costs no talk.
/// Its head gets the lengths at the end; until then it says, as a pipe's would, that they are unknown.
final class WAVWriter: Sendable {
  static let samplesPerSecond = 24_000
  /// The most that the format's lengths can name; what comes beyond is left out.
  private static let limit = Int(UInt32.max) - 1_000

  private static let content = "the voice"

  private struct State {
    var written = 0
    var failure: String?
  }

  let path: String
  private let handle: FileHandle
  private let state = Mutex(State())

  init(path: String) throws(OutputFileError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw OutputFileError(
        content: Self.content, path: path, reason: String(cString: strerror(errno)))
    }
    self.path = path
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    write { try $0.write(contentsOf: Data(Self.head(dataBytes: nil))) }
  }

  /// Appends samples.
  func append(_ pcm: [UInt8]) {
    let room = state.withLock { state in
      let room = max(0, min(pcm.count, Self.limit - state.written))
      state.written += room
      return room
    }
    write { try $0.write(contentsOf: Data(pcm.prefix(room))) }
  }

  /// Puts the lengths into the head and closes the file; says whether all of it was written.
  func close() throws(OutputFileError) {
    let written = state.withLock { $0.written }
    write { handle in
      // A device or a pipe cannot go back; its reader has learnt that the length is unknown.
      if (try? handle.seek(toOffset: 0)) != nil {
        try handle.write(contentsOf: Data(Self.head(dataBytes: written)))
      }
      try handle.close()
    }
    if let reason = state.withLock({ $0.failure }) {
      throw OutputFileError(content: Self.content, path: path, reason: reason)
    }
  }

  /// After the first failure nothing is written any more.
  private func write(_ body: (FileHandle) throws -> Void) {
    state.withLock { state in
      guard state.failure == nil else { return }
      do { try body(handle) } catch { state.failure = error.localizedDescription }
    }
  }

  /// The 44 bytes before the samples; nil stands for an unknown length.
  static func head(dataBytes: Int?) -> [UInt8] {
    func number(_ value: UInt32, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
    let length = dataBytes.map { UInt32(clamping: $0) }
    let rate = UInt32(samplesPerSecond)
    return Array("RIFF".utf8) + number(length.map { $0 + 36 } ?? .max, 4) + Array("WAVEfmt ".utf8)
      + number(16, 4) + number(1, 2) + number(1, 2) + number(rate, 4) + number(rate * 2, 4)
      + number(2, 2) + number(16, 2) + Array("data".utf8) + number(length ?? .max, 4)
  }
}
