// SPDX-License-Identifier: Apache-2.0

/// The bytes of a credential or a resumption handle, never described.
///
/// `description`, string interpolation, `dump` and reflection show a placeholder; only
/// ``withUnsafeBytes(_:)`` and ``reveal()`` give the bytes, so a search for those two names finds
/// every place where a secret leaves.
///
/// Each session holds two, so the bytes lie in one allocation behind a four-byte count.
public struct Secret: @unchecked Sendable, Hashable {
  // Written before it is shared, and never after: hence Sendable.
  private let storage: ManagedBuffer<UInt32, UInt8>

  /// Keeps a copy of the text's UTF-8 bytes.
  public init(_ text: String) { self.init(utf8: text.utf8) }

  /// Keeps a copy of the bytes, which must be UTF-8 text.
  public init(utf8 bytes: some Collection<UInt8>) {
    // Four gigabytes: more than any message has, so nothing is ever cut off.
    let kept = bytes.prefix(Int(UInt32.max))
    storage = .create(minimumCapacity: kept.count) { buffer in
      buffer.withUnsafeMutablePointerToElements { start in
        _ = UnsafeMutableBufferPointer(start: start, count: kept.count).initialize(from: kept)
      }
      return UInt32(kept.count)
    }
  }

  /// Number of bytes.
  public var count: Int { Int(storage.header) }

  /// Gives the bytes to `body`; the pointer must not leave it.
  public func withUnsafeBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    try storage.withUnsafeMutablePointers { count, start in
      try body(UnsafeRawBufferPointer(start: start, count: Int(count.pointee)))
    }
  }

  /// Whether it is the name of an ephemeral token rather than an API key: the SDKs, too, tell the
  /// two apart by this prefix (live-api.md A.5).
  package var isEphemeralTokenName: Bool {
    withUnsafeBytes { $0.starts(with: "auth_tokens/".utf8) }
  }

  /// The secret as text, for the one place that writes it to the wire.
  public func reveal() -> String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

  /// Whether both hold the same bytes.
  public static func == (lhs: Self, rhs: Self) -> Bool {
    guard lhs.storage !== rhs.storage else { return true }
    return lhs.withUnsafeBytes { left in
      rhs.withUnsafeBytes { right in left.elementsEqual(right) }
    }
  }

  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) {
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// A placeholder that tells only the length.
  public var description: String { "‹redacted, \(count) bytes›" }
  /// The same placeholder.
  public var debugDescription: String { description }
  /// Shows nothing to `dump` and reflection.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
