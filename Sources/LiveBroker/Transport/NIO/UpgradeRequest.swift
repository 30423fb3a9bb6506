// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore

/// The upgrade of one connection: the request's bytes, and what the answer must be.
struct UpgradeRequest {
  /// What the server must answer in `Sec-WebSocket-Accept`.
  let expectedAccept: String
  let bytes: ByteBuffer

  /// Writes the request. The credential goes where the service takes it (live-api.md B.2,
  /// ``Credential/placement``), and is kept nowhere else.
  ///
  /// - Throws: ``TransportError/Code/invalidRequest`` if something would break out of its line.
  init(
    _ endpoint: LiveEndpoint, _ credential: Credential,
    extraHeaders: [NIOTransportConfiguration.Header], _ allocator: ByteBufferAllocator
  ) throws(TransportError) {
    let path = endpoint.socketPath(for: credential)
    guard Self.isOneWord(path), Self.isOneWord(endpoint.host) else {
      throw TransportError(
        .invalidRequest, message: "host or path hold blanks or control characters")
    }
    let key = Self.makeKey()
    var bytes = allocator.buffer(capacity: 640)
    bytes.writeStaticString("GET ")
    bytes.writeString(path)
    let placement = credential.placement
    for (index, item) in placement.query.enumerated() {
      bytes.writeString("\(index == 0 ? "?" : "&")\(item.name)=")
      item.value.withUnsafeBytes { Self.writePercentEncoded($0, to: &bytes) }
    }
    bytes.writeStaticString(" HTTP/1.1\r\nHost: ")
    Self.writeAuthority(endpoint, to: &bytes)
    bytes.writeStaticString(
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    )
    bytes.writeBytes(key)
    for item in placement.headers {
      // One blank stands between a bearer's scheme and its token; elsewhere there is none, so that
      // what was pasted wrongly is told here and not by a refusal.
      let blanks = item.name == "Authorization" ? 1 : 0
      let isFit = item.value.withUnsafeBytes { value in
        !value.isEmpty && value.count { $0 == UInt8(ascii: " ") } == blanks
          && value.allSatisfy { Self.isVisible($0) || $0 == UInt8(ascii: " ") }
      }
      guard isFit else {
        throw TransportError(
          .invalidRequest, message: "the value of \(item.name) is not visible ASCII")
      }
      bytes.writeStaticString("\r\n")
      bytes.writeString(item.name)
      bytes.writeStaticString(": ")
      _ = item.value.withUnsafeBytes { bytes.writeBytes($0) }
    }
    for header in extraHeaders {
      guard !placement.headers.contains(where: { $0.name.lowercased() == header.name.lowercased() })
      else {
        throw TransportError(
          .invalidRequest, message: "header \(header.name) belongs to the credential")
      }
      bytes.writeString("\r\n\(header.name): \(header.value)")
    }
    bytes.writeStaticString("\r\n\r\n")
    self.bytes = bytes
    expectedAccept = Self.accept(for: key)
  }

  /// Whether the answer completes the upgrade; nil, or what is wrong with it.
  func objection(to head: ResponseHead) -> String? {
    if head.upgrade != "websocket" { return "its Upgrade is not websocket" }
    let tokens = head.connection.split { $0 == "," || $0 == " " }
    if !tokens.contains("upgrade") { return "its Connection is not Upgrade" }
    if head.accept != expectedAccept { return "its Sec-WebSocket-Accept does not fit our key" }
    if head.extensions != nil { return "it names an extension that was not offered" }
    if head.subprotocol != nil { return "it names a protocol that was not offered" }
    return nil
  }

  /// `Sec-WebSocket-Accept` for a key.
  static func accept(for key: [UInt8]) -> String {
    base64(SHA1.digest(key + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)), as: String.self)
  }

  private static func makeKey() -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<2 {
      let bits = UInt64.random(in: .min ... .max)
      for shift in stride(from: 0, to: 64, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
      }
    }
    return base64(bytes)
  }

  static func base64(_ bytes: [UInt8]) -> [UInt8] {
    let count = Base64.encodedCount(bytes.count)
    return [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
      bytes.withUnsafeBytes { Base64.encode($0, into: UnsafeMutableRawBufferPointer(output)) }
      initialized = count
    }
  }

  private static func base64(_ bytes: [UInt8], as type: String.Type) -> String {
    String(decoding: base64(bytes), as: UTF8.self)
  }

  /// Host and, if it is not the scheme's own, port, as `Host` and `CONNECT` have them.
  static func authority(_ endpoint: LiveEndpoint, alwaysWithPort: Bool = false) -> String {
    let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
    let isDefault = endpoint.port == (endpoint.usesTLS ? 443 : 80)
    return isDefault && !alwaysWithPort ? host : "\(host):\(endpoint.port)"
  }

  private static func writeAuthority(_ endpoint: LiveEndpoint, to bytes: inout ByteBuffer) {
    guard !endpoint.host.contains(":") else {
      bytes.writeString(authority(endpoint))
      return
    }
    bytes.writeString(endpoint.host)
    guard endpoint.port != (endpoint.usesTLS ? 443 : 80) else { return }
    bytes.writeStaticString(":")
    bytes.writeString(String(endpoint.port))
  }

  static func isOneWord(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(isVisible)
  }

  private static func isVisible(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

  private static func writePercentEncoded(
    _ bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
  ) {
    for byte in bytes {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        buffer.writeInteger(byte)
      default:
        buffer.writeInteger(UInt8(ascii: "%"))
        buffer.writeInteger(hexDigit(byte >> 4))
        buffer.writeInteger(hexDigit(byte & 0x0F))
      }
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}
#endif
