// SPDX-License-Identifier: Apache-2.0

/// The program was called in a way that it does not understand. Ends it with exit code 64.
struct UsageError: Error, Equatable, CustomStringConvertible {
  /// What is wrong, in one sentence without a full stop.
  var message: String
  /// What the caller may have meant, if there is a good guess.
  var suggestion: String?

  init(_ message: String, suggestion: String? = nil) {
    self.message = message
    self.suggestion = suggestion
  }

  var description: String {
    guard let suggestion else { return message }
    return "\(message); did you mean \(suggestion)?"
  }
}

/// How a process ends, by the numbers of `sysexits.h`.
struct ExitStatus: Equatable, Sendable {
  var code: Int32

  /// Everything ran, and every promise held.
  static let success = ExitStatus(code: 0)
  /// It ran to its end, and a promise was broken.
  static let promiseBroken = ExitStatus(code: 1)
  /// Wrong arguments (`EX_USAGE`).
  static let usage = ExitStatus(code: 64)
  /// A file could not be read (`EX_NOINPUT`).
  static let noInput = ExitStatus(code: 66)
  /// An address cannot be listened on, or not be reached (`EX_UNAVAILABLE`).
  static let unavailable = ExitStatus(code: 69)
  /// A second Ctrl-C ended it before everything had ended well.
  static let aborted = ExitStatus(code: 130)
  /// Something inside the program failed (`EX_SOFTWARE`).
  static let software = ExitStatus(code: 70)
  /// The key or the model is refused (`EX_NOPERM`).
  static let refused = ExitStatus(code: 77)
  /// There is no key (`EX_CONFIG`).
  static let keyMissing = ExitStatus(code: 78)
  /// A file could not be written (`EX_CANTCREAT`).
  static let cannotCreate = ExitStatus(code: 73)
}
