// SPDX-License-Identifier: Apache-2.0

#if NIO
/// What the opening needs to know of an HTTP/1.1 answer: its status and a few fields.
///
/// Read by hand, since one answer per connection does not pay for a pipeline of HTTP handlers.
struct ResponseHead: Equatable {
  /// An answer whose head is longer than this is not read on.
  static let limit = 16_384

  var status = 0
  /// Number of bytes of the head, the empty line included.
  var size = 0
  var upgrade = ""
  var connection = ""
  var accept = ""
  var extensions: String?
  var subprotocol: String?
  var retryAfter: String?
  var date: String?

  struct Malformed: Error {
    var message: String
  }

  /// Reads the head at the start of `bytes`; nil if its empty line has not come yet. So many of the
  /// bytes as `scanned` says are known not to hold it, so that a head which comes in many pieces is
  /// looked through once.
  init?(_ bytes: UnsafeRawBufferPointer, scanned: Int = 0) throws(Malformed) {
    guard let end = Self.end(of: bytes, from: max(0, scanned - 2)) else {
      guard bytes.count < Self.limit else { throw Malformed(message: "a head of over 16 KiB") }
      return nil
    }
    size = end
    var isFirst = true
    var start = 0
    while start < end {
      let line = Self.line(bytes, from: start, to: end)
      start = line.next
      if isFirst {
        status = try Self.status(line.bytes)
        isFirst = false
      } else if line.bytes.isEmpty {
        return
      } else {
        try take(line.bytes)
      }
    }
  }

  /// The place behind the first empty line.
  private static func end(of bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var index = start
    while index + 1 < min(bytes.count, limit) {
      if bytes[index] == newline {
        if bytes[index + 1] == newline { return index + 2 }
        if bytes[index + 1] == carriageReturn, index + 2 < bytes.count,
          bytes[index + 2] == newline
        {
          return index + 3
        }
      }
      index += 1
    }
    return nil
  }

  private static func line(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) -> (bytes: Slice<UnsafeRawBufferPointer>, next: Int) {
    let stop = bytes[start..<end].firstIndex(of: newline) ?? end
    let hasReturn = stop > start && bytes[stop - 1] == carriageReturn
    return (bytes[start..<(hasReturn ? stop - 1 : stop)], stop + 1)
  }

  /// The code in `HTTP/1.1 101 Switching Protocols`; the phrase may be missing.
  private static func status(_ line: Slice<UnsafeRawBufferPointer>) throws(Malformed) -> Int {
    let bytes = UnsafeRawBufferPointer(rebasing: line)
    var status = 0
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard bytes.count >= 12, bytes.starts(with: "HTTP/1.".utf8), digits.contains(bytes[7]),
      bytes[8] == space, bytes.count == 12 || bytes[12] == space
    else { throw Malformed(message: "not an HTTP/1.1 answer") }
    for byte in bytes[9..<12] {
      guard digits.contains(byte) else { throw Malformed(message: "not an HTTP/1.1 answer") }
      status = status * 10 + Int(byte - digits.lowerBound)
    }
    guard status >= 100 else { throw Malformed(message: "not an HTTP/1.1 answer") }
    return status
  }

  private mutating func take(_ line: Slice<UnsafeRawBufferPointer>) throws(Malformed) {
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
      throw Malformed(message: "a header line without a name")
    }
    let name = line[..<colon]
    func isNamed(_ other: StaticString) -> Bool { Self.equal(name, other) }
    func value() -> String { Self.trimmed(line[(colon + 1)...]) }
    // Lengths differ, so most lines are told apart by a comparison of two integers.
    if isNamed("upgrade") {
      upgrade = value().lowercased()
    } else if isNamed("connection") {
      connection += (connection.isEmpty ? "" : ",") + value().lowercased()
    } else if isNamed("sec-websocket-accept") {
      accept = value()
    } else if isNamed("sec-websocket-extensions") {
      extensions = value()
    } else if isNamed("sec-websocket-protocol") {
      subprotocol = value()
    } else if isNamed("retry-after") {
      retryAfter = value()
    } else if isNamed("date") {
      date = value()
    }
  }

  private static func equal(_ name: Slice<UnsafeRawBufferPointer>, _ other: StaticString) -> Bool {
    guard name.count == other.utf8CodeUnitCount else { return false }
    return other.withUTF8Buffer { other in
      zip(name, other).allSatisfy { ($0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0) == $1 }
    }
  }

  private static func trimmed(_ value: Slice<UnsafeRawBufferPointer>) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == 0x09 }
    let start = value.firstIndex { !isBlank($0) } ?? value.endIndex
    let end = value.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? value.endIndex
    return String(decoding: value[start..<max(start, end)], as: UTF8.self)
  }

  /// How long the server asked us to wait.
  var wait: Duration? { Self.wait(retryAfter, date: date.flatMap(WallTime.init(httpDate:))) }

  /// What `Retry-After` asks for: seconds, or a date that is held against the answer's own `Date`.
  /// Never more than a day.
  static func wait(_ retryAfter: String?, date: WallTime?) -> Duration? {
    guard let retryAfter else { return nil }
    if let seconds = Int64(retryAfter) {
      return seconds < 0 ? nil : .seconds(min(seconds, 86_400))
    }
    guard let until = WallTime(httpDate: retryAfter), let date else { return nil }
    return min(max(.zero, date.duration(to: until)), .seconds(86_400))
  }
}

private let newline = UInt8(ascii: "\n")
private let carriageReturn = UInt8(ascii: "\r")
private let space = UInt8(ascii: " ")
#endif
