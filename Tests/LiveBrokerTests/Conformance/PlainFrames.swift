// SPDX-License-Identifier: Apache-2.0

/// The frames of RFC 6455 for the plain transport and its peer, written for shortness: a second
/// reading of the standard, independent of the one in `Transport/NIO`.
struct PlainFrames {
  enum Event: Equatable {
    case message([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(code: UInt16?, reason: String)
  }

  struct Violation: Error {
    var message: String
    /// What a close frame says of it.
    var code: UInt16
    init(_ message: String, code: UInt16 = 1002) { (self.message, self.code) = (message, code) }
  }

  /// Whether frames must come masked, as they do from a client.
  let areMasked: Bool
  /// Most bytes of a message.
  let limit: Int
  var input: [UInt8] = []
  private var message: [UInt8]?
  private var isText = false

  init(areMasked: Bool, limit: Int = 1 << 24) {
    self.areMasked = areMasked
    self.limit = limit
  }

  /// The next event; nil if more bytes are needed.
  mutating func next() throws(Violation) -> Event? {
    while let (header, size) = try header() {
      guard input.count >= size else { return nil }
      var payload = Array(input[header..<size])
      if areMasked {
        let mask = Array(input[header - 4..<header])
        for index in payload.indices { payload[index] ^= mask[index & 3] }
      }
      let first = input[0]
      input.removeFirst(size)
      if let event = try take(first, payload) { return event }
    }
    return nil
  }

  /// Sizes of the header and of the whole frame, as soon as the header is there.
  private func header() throws(Violation) -> (header: Int, frame: Int)? {
    guard input.count >= 2 else { return nil }
    guard input[0] & 0x70 == 0 else { throw Violation("a reserved bit") }
    guard (input[1] & 0x80 != 0) == areMasked else { throw Violation("the wrong mask bit") }
    let short = Int(input[1] & 0x7F)
    if input[0] & 8 != 0, short > 125 || input[0] & 0x80 == 0 {
      throw Violation("a control frame that is long or in pieces")
    }
    let extra = short == 127 ? 8 : short == 126 ? 2 : 0
    let header = 2 + extra + (areMasked ? 4 : 0)
    guard input.count >= header else { return nil }
    let length =
      extra == 0 ? UInt64(short) : input[2..<2 + extra].reduce(0) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(limit - (message?.count ?? 0)) else {
      throw Violation("\(length) bytes", code: 1009)
    }
    return (header, header + Int(length))
  }

  private mutating func take(_ first: UInt8, _ payload: [UInt8]) throws(Violation) -> Event? {
    switch first & 0x0F {
    case 0:
      guard message != nil else { throw Violation("a continuation of nothing") }
      message? += payload
    case 1, 2:
      guard message == nil else { throw Violation("a message inside a message") }
      message = payload
      isText = first & 0x0F == 1
    case 8: return try Self.close(payload)
    case 9: return .ping(payload)
    case 10: return .pong(payload)
    case let other: throw Violation("opcode \(other)")
    }
    guard first & 0x80 != 0, let whole = message.take() else { return nil }
    guard !isText || String(validating: whole, as: UTF8.self) != nil else {
      throw Violation("text that is not UTF-8")
    }
    return .message(whole)
  }

  private static func close(_ payload: [UInt8]) throws(Violation) -> Event {
    guard !payload.isEmpty else { return .close(code: nil, reason: "") }
    guard payload.count > 1, let reason = String(validating: payload[2...], as: UTF8.self) else {
      throw Violation("a close frame that cannot be read")
    }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: return .close(code: code, reason: reason)
    default: throw Violation("close code \(code)")
    }
  }

  /// One frame. A mask that a peer can foresee is good enough for a test.
  static func bytes(_ first: UInt8, _ payload: [UInt8], masked: Bool = false) -> [UInt8] {
    let bit: UInt8 = masked ? 0x80 : 0
    let count = payload.count
    let length: [UInt8] =
      switch count {
      case ...125: [bit | UInt8(count)]
      case ...0xFFFF: [bit | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
      default: [bit | 127] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
      }
    guard masked else { return [first] + length + payload }
    let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    return [first] + length + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
  }

  static func close(_ code: UInt16?, _ reason: String, masked: Bool = false) -> [UInt8] {
    let code = code.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } ?? []
    return bytes(0x88, code + Array(reason.utf8), masked: masked)
  }
}
