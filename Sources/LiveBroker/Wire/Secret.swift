// SPDX-License-Identifier: Apache-2.0

/// The bytes of a credential or a resumption handle, never described.
///
/// `description`, string interpolation, `dump` and reflection show a placeholder; only
/// ``withUnsafeBytes(_:)`` and ``reveal()`` give the bytes, so a search for those two names finds
/// every place where a secret leaves.
public struct Secret: Sendable, Hashable {
  private let bytes: [UInt8]

  /// Keeps a copy of the text's UTF-8 bytes.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// Keeps a copy of the bytes, which must be UTF-8 text.
  public init(utf8 bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

  /// Number of bytes.
  public var count: Int { bytes.count }

  /// Gives the bytes to `body`; the pointer must not leave it.
  public func withUnsafeBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    try bytes.withUnsafeBytes(body)
  }

  /// The secret as text, for the one place that writes it to the wire.
  public func reveal() -> String { String(decoding: bytes, as: UTF8.self) }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "‹redacted, \(count) bytes›" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
