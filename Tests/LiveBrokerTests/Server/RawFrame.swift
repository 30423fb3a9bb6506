// SPDX-License-Identifier: Apache-2.0

#if NIO
import Testing

/// A WebSocket frame, made and read apart from the server's own code.
struct RawFrame: Equatable {
  var opcode: UInt8
  var isLast = true
  var payload: [UInt8]

  var text: String { String(decoding: payload, as: UTF8.self) }
  var closeCode: Int? {
    opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
  }
  var closeReason: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }

  static func text(_ json: String) -> RawFrame { RawFrame(opcode: 1, payload: Array(json.utf8)) }

  static func close(_ code: UInt16) -> RawFrame {
    RawFrame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 255)])
  }

  /// As a client sends it.
  var masked: [UInt8] {
    let mask: [UInt8] = [0xA1, 0x02, 0xFE, 0x57]
    var bytes = [opcode | (isLast ? 0x80 : 0)]
    switch payload.count {
    case ..<126: bytes.append(0x80 | UInt8(payload.count))
    case ...0xFFFF: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
    default:
      bytes.append(0x80 | 127)
      bytes += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
    }
    bytes += mask
    for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index % 4]) }
    return bytes
  }

  /// The whole frames of a server at the beginning of `bytes`, and what is left. A server's frames are
  /// never masked and have no reserved bit.
  static func parse(_ bytes: [UInt8]) throws -> (frames: [RawFrame], rest: [UInt8]) {
    var rest = bytes[...]
    var frames: [RawFrame] = []
    while let frame = try next(&rest) { frames.append(frame) }
    return (frames, Array(rest))
  }

  private static func next(_ rest: inout ArraySlice<UInt8>) throws -> RawFrame? {
    var bytes = rest
    guard let first = bytes.popFirst(), let second = bytes.popFirst() else { return nil }
    try #require(first & 0x70 == 0 && second & 0x80 == 0)
    var length = Int(second)
    if second >= 126 {
      let count = second == 126 ? 2 : 8
      guard bytes.count >= count else { return nil }
      length = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
      bytes = bytes.dropFirst(count)
    }
    guard bytes.count >= length else { return nil }
    rest = bytes.dropFirst(length)
    return RawFrame(
      opcode: first & 15, isLast: first & 0x80 != 0, payload: Array(bytes.prefix(length)))
  }
}

/// Requests and answers as bytes.
enum RawHTTP {
  /// A request; its lines are parted by `\n`.
  static func request(_ head: String, body: String = "") -> [UInt8] {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    let lines = head.split(separator: "\n").joined(separator: "\r\n")
    return Array("\(lines)\r\nHost: h\r\n\(length)\r\n\(body)".utf8)
  }

  static func upgrade(_ target: String, headers: String = "") -> [UInt8] {
    request(
      "GET \(target) HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade\n"
        + "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n" + headers)
  }

  /// The head of an answer with its empty line, and what follows it.
  static func split(_ bytes: [UInt8]) -> (head: String, rest: [UInt8]) {
    let end: [UInt8] = [13, 10, 13, 10]
    guard bytes.count >= 4,
      let index = bytes.indices.dropLast(3).first(where: { bytes[$0..<$0 + 4].elementsEqual(end) })
    else { return (String(decoding: bytes, as: UTF8.self), []) }
    return (String(decoding: bytes[..<(index + 4)], as: UTF8.self), Array(bytes[(index + 4)...]))
  }
}
#endif
