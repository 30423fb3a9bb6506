// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// The two streams of the process.
enum Console {
  /// Opens those of the three streams that the caller has closed, onto nothing: the next file or
  /// socket would take their place, and get what was meant for them.
  static func occupyStandardStreams() {
    while true {
      let descriptor = open("/dev/null", O_RDWR)
      guard (0...STDERR_FILENO).contains(descriptor) else {
        if descriptor > STDERR_FILENO { _ = close(descriptor) }
        return
      }
    }
  }

  /// Writes a line to standard output.
  static func say(_ text: String) { write(text + "\n", to: .standardOutput) }

  /// Writes to standard output as it is.
  static func print(_ text: String) { write(text, to: .standardOutput) }

  /// Writes a line to standard error, with the program's name before it.
  static func complain(_ text: String) {
    write("LiveBrokerDemo: \(printable(text))\n", to: .standardError)
  }

  /// Writes to standard error as it is.
  static func draw(_ text: String) { write(text, to: .standardError) }

  /// Whether standard error is a terminal on which a line can be drawn anew.
  static var canDraw: Bool {
    guard isatty(FileHandle.standardError.fileDescriptor) == 1 else { return false }
    let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
    return kind != "" && kind != "dumb"
  }

  /// How many columns the terminal behind standard error has now; 80 if it does not say.
  static var columns: Int {
    var size = winsize()
    guard ioctl(FileHandle.standardError.fileDescriptor, UInt(TIOCGWINSZ), &size) == 0,
      size.ws_col > 0
    else { return 80 }
    return Int(size.ws_col)
  }

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

/// A text from elsewhere as a terminal may get it: what would steer the terminal is replaced. Line
/// breaks and tabs stay.
func printable(_ text: String) -> String {
  func steers(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
  }
  guard text.unicodeScalars.contains(where: steers) else { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars { result.append(steers(scalar) ? "\u{FFFD}" : scalar) }
  return String(result)
}

/// The same within one line.
func printableLine(_ text: String) -> String {
  printable(text.replacing("\n", with: "\u{FFFD}").replacing("\t", with: " "))
}

/// The text, cut to so many columns.
func shortened(_ text: String, to columns: Int) -> String {
  text.count <= columns ? text : text.prefix(max(0, columns - 1)) + "…"
}

/// `1 text`, `2 texts`.
func counted(_ number: Int, _ noun: String) -> String {
  "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
}
