// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The two streams of the process.
enum Console {
  /// Writes a line to standard output.
  static func say(_ text: String) { write(text + "\n", to: .standardOutput) }

  /// Writes a line to standard error, with the program's name before it.
  static func complain(_ text: String) { write("LiveBrokerDemo: \(text)\n", to: .standardError) }

  /// Writes to standard error as it is.
  static func draw(_ text: String) { write(text, to: .standardError) }

  /// Whether standard error is a terminal, so that a progress bar makes sense.
  static var errorIsTerminal: Bool { isatty(FileHandle.standardError.fileDescriptor) == 1 }

  private static func write(_ text: String, to handle: FileHandle) {
    // A reader that has gone away (a closed pipe) is no reason to fail.
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
