// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// The two streams of the process.
enum Console {
  /// Writes a line to standard output.
  static func say(_ text: String) { write(text + "\n", to: .standardOutput) }

  /// Writes to standard output as it is.
  static func print(_ text: String) { write(text, to: .standardOutput) }

  /// Writes a line to standard error, with the program's name before it.
  static func complain(_ text: String) { write("LiveBrokerDemo: \(text)\n", to: .standardError) }

  /// Writes to standard error as it is.
  static func draw(_ text: String) { write(text, to: .standardError) }

  /// Whether standard error is a terminal, so that a progress bar makes sense.
  static var errorIsTerminal: Bool { isatty(FileHandle.standardError.fileDescriptor) == 1 }

  /// Whether standard input is a terminal, so that somebody types.
  static var inputIsTerminal: Bool { isatty(FileHandle.standardInput.fileDescriptor) == 1 }

  /// The lines of standard input, as they come. Reading runs a little ahead of who asks for them,
  /// and ends with the process at the latest.
  static func lines(ahead: Int = 100) -> any AsyncSequence<String, Never> & Sendable {
    let (stream, continuation) = AsyncStream<String>.makeStream(bufferingPolicy: .unbounded)
    // Bounds the stream: one place for each line that has not been taken. The places are given
    // afterwards, since a semaphore must not end with fewer than it was made with.
    let room = DispatchSemaphore(value: 0)
    for _ in 0..<ahead { room.signal() }
    Thread.detachNewThread {
      while let line = readLine() {
        room.wait()
        continuation.yield(line)
      }
      continuation.finish()
    }
    return stream.map { line in
      room.signal()
      return line
    }
  }

  /// No lines.
  static var noLines: any AsyncSequence<String, Never> & Sendable {
    AsyncStream<String> { $0.finish() }
  }

  private static func write(_ text: String, to handle: FileHandle) {
    // A reader that has gone away (a closed pipe) is no reason to fail.
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
