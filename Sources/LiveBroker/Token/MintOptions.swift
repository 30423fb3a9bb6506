// SPDX-License-Identifier: Apache-2.0

/// What one mint's HTTP request has besides its body, as the SDKs' `http_options` of a call.
public struct MintOptions: Sendable, Hashable {
  /// A header field.
  public struct Header: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: String

    /// Makes a field from its parts.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Further header fields, in their order. Those that the request itself needs cannot be given.
  public var headers: [Header]
  /// How long the whole request may take. The service is told in `X-Server-Timeout`, in seconds
  /// rounded up, and the request is abandoned when the time is over. Default nil: the minter's own.
  public var timeout: Duration?

  /// Makes options; by default there are none.
  public init(headers: [Header] = [], timeout: Duration? = nil) {
    self.headers = headers
    self.timeout = timeout
  }

  /// The fields that a minter adds to its request, those that follow from other options included.
  public var requestHeaders: [Header] {
    guard let timeout else { return headers }
    let seconds = (max(1, timeout.nanoseconds) - 1) / 1_000_000_000 + 1
    return [Header(name: "X-Server-Timeout", value: String(seconds))] + headers
  }

  /// Refuses what would break the request or take another caller's place in it.
  ///
  /// - Throws: ``MintError/Code/invalidRequest`` with the name, never the value.
  public func validate() throws(MintError) {
    if let timeout, timeout <= .zero {
      throw MintError(.invalidRequest, message: "the time-out is not positive")
    }
    for header in headers {
      guard !header.name.isEmpty, header.name.utf8.allSatisfy(Self.isTokenCharacter) else {
        throw MintError(.invalidRequest, message: "a header's name is no token of HTTP")
      }
      guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        throw MintError(
          .invalidRequest, message: "the value of header \(header.name) has a control character")
      }
      guard !Self.reserved.contains(header.name.lowercased()) else {
        throw MintError(.invalidRequest, message: "header \(header.name) belongs to the request")
      }
    }
  }

  private static let reserved = [
    "authorization", "connection", "content-length", "content-type", "host", "transfer-encoding",
    "x-goog-api-key", "x-server-timeout",
  ]

  private static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
