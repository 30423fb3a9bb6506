// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore

/// What all upgrades with one kind of credential to one endpoint have in common.
final class UpgradeTemplate: Sendable {
  private let endpoint: LiveEndpoint
  private let kind: Kind
  /// Up to the path.
  fileprivate let start: [UInt8]
  /// From behind the path up to the key.
  fileprivate let middle: [UInt8]
  /// From behind the credential's headers on.
  fileprivate let end: [UInt8]
  /// The names in it.
  private let extraNames: [String]
  /// The name that the server must prove; nil for an address, which the certificate must hold then.
  let serverName: String?

  /// What decides the path.
  private enum Kind {
    case apiKey, ephemeralToken, vertex

    init(_ credential: Credential) {
      self =
        switch credential {
        case .apiKey: .apiKey
        case .ephemeralToken: .ephemeralToken
        case .vertex: .vertex
        }
    }
  }

  /// - Throws: ``TransportError/Code/invalidRequest`` if something would break out of its line.
  init(
    _ endpoint: LiveEndpoint, _ credential: Credential,
    extraHeaders: [NIOTransportConfiguration.Header]
  ) throws(TransportError) {
    let path = endpoint.socketPath(for: credential)
    guard UpgradeRequest.isOneWord(path), UpgradeRequest.isOneWord(endpoint.host) else {
      throw TransportError(
        .invalidRequest, message: "host or path hold blanks or control characters")
    }
    self.endpoint = endpoint
    let isAddress = (try? SocketAddress(ipAddress: endpoint.host, port: 0)) != nil
    serverName = isAddress ? nil : endpoint.host
    kind = Kind(credential)
    start = Array("GET \(path)".utf8)
    let host = UpgradeRequest.authority(endpoint)
    middle = Array(
      (" HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ").utf8)
    extraNames = extraHeaders.map { $0.name.lowercased() }
    let lines = extraHeaders.map { "\r\n\($0.name): \($0.value)" }
    end = Array((lines.joined() + "\r\n\r\n").utf8)
  }

  func fits(_ endpoint: LiveEndpoint, _ credential: Credential) -> Bool {
    Kind(credential) == kind && endpoint == self.endpoint
  }

  fileprivate var size: Int { start.count + middle.count + end.count }

  /// Whether a header of the credential's would stand beside one of the caller's.
  fileprivate func holds(_ name: String) -> Bool {
    !extraNames.isEmpty && extraNames.contains(name.lowercased())
  }
}

/// The upgrade of one connection: the request's bytes, and what the answer must be.
struct UpgradeRequest {
  let template: UpgradeTemplate
  private let key: UpgradeKey
  let bytes: ByteBuffer

  /// Writes the request. The credential goes where the service takes it (live-api.md B.2,
  /// ``Credential/placement``), and is kept nowhere else.
  ///
  /// - Throws: ``TransportError/Code/invalidRequest`` if something would break out of its line.
  init(
    _ template: UpgradeTemplate, _ credential: Credential, _ entropy: inout Entropy
  ) throws(TransportError) {
    self.template = template
    key = UpgradeKey(&entropy)
    let placement = credential.placement
    // The names and values of one credential mostly fit into what is added.
    var bytes = ByteBufferAllocator().buffer(capacity: template.size + 160)
    bytes.writeBytes(template.start)
    for (index, item) in placement.query.enumerated() {
      bytes.writeStaticString(index == 0 ? "?" : "&")
      bytes.writeString(item.name)
      bytes.writeStaticString("=")
      item.value.withUnsafeBytes { Self.writePercentEncoded($0, to: &bytes) }
    }
    bytes.writeBytes(template.middle)
    key.write(to: &bytes)
    for item in placement.headers {
      guard !template.holds(item.name) else {
        throw TransportError(
          .invalidRequest, message: "header \(item.name) belongs to the credential")
      }
      try Self.write(item, to: &bytes)
    }
    bytes.writeBytes(template.end)
    self.bytes = bytes
  }

  private static func write(
    _ item: CredentialPlacement.Item, to bytes: inout ByteBuffer
  ) throws(TransportError) {
    // One blank stands between a bearer's scheme and its token; elsewhere there is none, so that what
    // was pasted wrongly is told here and not by a refusal.
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

  /// Whether the answer completes the upgrade; nil, or what is wrong with it.
  func objection(to head: ResponseHead) -> String? {
    if head.upgrade != "websocket" { return "its Upgrade is not websocket" }
    if head.connection != "upgrade" {
      let tokens = head.connection.split { $0 == "," || $0 == " " }
      if !tokens.contains("upgrade") { return "its Connection is not Upgrade" }
    }
    if !key.isProven(by: head.accept) { return "its Sec-WebSocket-Accept does not fit our key" }
    if head.extensions != nil { return "it names an extension that was not offered" }
    if head.subprotocol != nil { return "it names a protocol that was not offered" }
    return nil
  }

  static func base64(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let count = Base64.encodedCount(bytes.count)
    return [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
      Base64.encode(bytes, into: UnsafeMutableRawBufferPointer(output))
      initialized = count
    }
  }

  /// Host and, if it is not the scheme's own, port, as `Host` and `CONNECT` have them.
  static func authority(_ endpoint: LiveEndpoint, alwaysWithPort: Bool = false) -> String {
    let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
    let isDefault = endpoint.port == (endpoint.usesTLS ? 443 : 80)
    return isDefault && !alwaysWithPort ? host : "\(host):\(endpoint.port)"
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
