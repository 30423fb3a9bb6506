// SPDX-License-Identifier: Apache-2.0

/// A token that could not be had.
public struct TokenPoolError: Error, Sendable, CustomStringConvertible {
  /// What went wrong. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case keyRefused, requestRefused, timedOut, overloaded, stopped
    }
    private let name: Name
    /// The key may not mint. It stays so until the key is replaced or the cool-down is over.
    public static let keyRefused = Code(name: .keyRefused)
    /// The service does not accept this pool's requests; the configuration is wrong.
    public static let requestRefused = Code(name: .requestRefused)
    /// No token came in time; the cause is the last mint that failed, if one did.
    public static let timedOut = Code(name: .timedOut)
    /// Too many requests are waiting already.
    public static let overloaded = Code(name: .overloaded)
    /// The pool has stopped.
    public static let stopped = Code(name: .stopped)
    /// The code's name.
    public var description: String { name.rawValue }
  }

  /// What went wrong; two errors of one code may differ in everything else.
  public var code: Code
  /// For people; never contains a credential.
  public var message: String
  /// The mint that failed, if one did.
  public var cause: MintError?

  /// Makes an error; the message must be free of secrets.
  public init(_ code: Code, message: String, cause: MintError? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// Whether the same request may succeed later without anybody changing anything.
  public var isRetryable: Bool {
    code == .timedOut || code == .overloaded
  }

  /// Code, message and cause; free of secrets.
  public var description: String {
    "TokenPoolError(\(code)): \(message)\(cause.map { " [\($0)]" } ?? "")"
  }
}
