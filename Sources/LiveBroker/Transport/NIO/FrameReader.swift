// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore

/// What the peer did against RFC 6455 or our limits, and the close code that says so.
struct FrameViolation: Error, Equatable {
  var code: UInt16
  var message: String

  static func protocolError(_ message: String) -> FrameViolation {
    FrameViolation(code: 1002, message: message)
  }
  static func invalidPayload(_ message: String) -> FrameViolation {
    FrameViolation(code: 1007, message: message)
  }
  static func tooBig(_ message: String) -> FrameViolation {
    FrameViolation(code: 1009, message: message)
  }
}

/// One thing that arrived whole.
enum FrameEvent: Equatable {
  /// A message, of one frame or of many, text or binary.
  case message(ByteBuffer)
  case ping(ByteBuffer)
  case pong(ByteBuffer)
  case close(code: UInt16?, reason: String)
}

/// Cuts a byte stream into frames and puts fragmented messages together (RFC 6455, section 5), as a
/// client has to: frames of the server are not masked.
///
/// A frame is judged by its header as soon as that is complete, before its payload is waited for;
/// nothing is reserved for what a header merely announces.
struct FrameReader {
  /// Most bytes of one frame's payload.
  var maxFrame: Int
  /// Most bytes of one message, over all its frames.
  var maxMessage: Int
  /// The frames so far of a message whose last has not come.
  private var fragments: Fragments?

  private struct Fragments {
    var bytes: ByteBuffer
    var isText: Bool
  }

  init(maxFrame: Int, maxMessage: Int) {
    self.maxFrame = maxFrame
    self.maxMessage = maxMessage
  }

  /// Takes the next event out of `buffer`; nil if more bytes are needed for it.
  mutating func next(from buffer: inout ByteBuffer) throws(FrameViolation) -> FrameEvent? {
    while let header = try FrameHeader(buffer) {
      try check(header)
      guard buffer.readableBytes - header.size >= header.length else { return nil }
      buffer.moveReaderIndex(forwardBy: header.size)
      guard let payload = buffer.readSlice(length: header.length) else { return nil }
      if let event = try take(header, payload) { return event }
    }
    return nil
  }

  private func check(_ header: FrameHeader) throws(FrameViolation) {
    guard header.length <= maxFrame else {
      throw .tooBig("a frame of \(header.length) bytes; the limit is \(maxFrame)")
    }
    switch header.opcode {
    case .continuation:
      guard let fragments else { throw .protocolError("a continuation of nothing") }
      try checkSize(fragments.bytes.readableBytes + header.length)
    case .text, .binary:
      guard fragments == nil else { throw .protocolError("a message inside a message") }
      try checkSize(header.length)
    case .close, .ping, .pong:
      guard header.isFinal else { throw .protocolError("a fragmented control frame") }
      guard header.length <= 125 else { throw .protocolError("a control frame above 125 bytes") }
    }
  }

  private func checkSize(_ size: Int) throws(FrameViolation) {
    guard size <= maxMessage else {
      throw .tooBig("a message of \(size) bytes or more; the limit is \(maxMessage)")
    }
  }

  private mutating func take(
    _ header: FrameHeader, _ payload: ByteBuffer
  ) throws(FrameViolation) -> FrameEvent? {
    switch header.opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong(payload)
    case .close: return try Self.close(payload)
    case .text, .binary:
      let isText = header.opcode == .text
      if header.isFinal { return try Self.message(payload, isText: isText) }
      fragments = Fragments(bytes: payload, isText: isText)
    case .continuation:
      guard var message = fragments.take() else { return nil }
      var payload = payload
      message.bytes.writeBuffer(&payload)
      if header.isFinal { return try Self.message(message.bytes, isText: message.isText) }
      fragments = message
    }
    return nil
  }

  private static func message(
    _ bytes: ByteBuffer, isText: Bool
  ) throws(FrameViolation) -> FrameEvent {
    guard !isText || bytes.withUnsafeReadableBytes({ UTF8Check.isValid($0) }) else {
      throw .invalidPayload("a text message that is not UTF-8")
    }
    return .message(bytes)
  }

  private static func close(_ payload: ByteBuffer) throws(FrameViolation) -> FrameEvent {
    var payload = payload
    guard payload.readableBytes > 0 else { return .close(code: nil, reason: "") }
    guard let code = payload.readInteger(as: UInt16.self) else {
      throw .protocolError("a close frame of one byte")
    }
    guard isAllowed(code) else { throw .protocolError("close code \(code)") }
    guard payload.withUnsafeReadableBytes({ UTF8Check.isValid($0) }) else {
      throw .invalidPayload("a close reason that is not UTF-8")
    }
    return .close(code: code, reason: String(buffer: payload))
  }

  /// The codes that may stand in a close frame (RFC 6455, 7.4; 1012 to 1014 are registered since).
  static func isAllowed(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}

/// The two to ten bytes before a payload.
struct FrameHeader {
  enum Opcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10
  }

  var isFinal: Bool
  var opcode: Opcode
  var length: Int
  var size: Int

  /// Reads the header at the start of `buffer`; nil if it is not complete.
  init?(_ buffer: ByteBuffer) throws(FrameViolation) {
    let start = buffer.readerIndex
    guard let first = buffer.getInteger(at: start, as: UInt8.self) else { return nil }
    guard first & 0x70 == 0 else { throw .protocolError("a reserved bit is set") }
    guard let opcode = Opcode(rawValue: first & 0x0F) else {
      throw .protocolError("opcode \(first & 0x0F)")
    }
    guard let second = buffer.getInteger(at: start + 1, as: UInt8.self) else { return nil }
    guard second & 0x80 == 0 else { throw .protocolError("a masked frame from a server") }
    isFinal = first & 0x80 != 0
    self.opcode = opcode
    switch second & 0x7F {
    case 126:
      guard let value = buffer.getInteger(at: start + 2, as: UInt16.self) else { return nil }
      guard value >= 126 else { throw .protocolError("a length that is spelled too long") }
      (length, size) = (Int(value), 4)
    case 127:
      guard let value = buffer.getInteger(at: start + 2, as: UInt64.self) else { return nil }
      guard value > 0xFFFF else { throw .protocolError("a length that is spelled too long") }
      guard let exact = Int(exactly: value) else {
        throw .protocolError("a length of 2^63 or more")
      }
      (length, size) = (exact, 10)
    case let short: (length, size) = (Int(short), 2)
    }
  }
}
#endif
