// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// Reads one JSON text. Memory is bounded by a multiple of its size, nesting by
  /// ``maximumDepth``; of members with the same name the last one counts.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> JSONValue {
    try JSONParser.parse(bytes)
  }

  /// Reads one JSON text.
  public init(decoding bytes: [UInt8]) throws(WireError) {
    self = try bytes.withBytes(JSONValue.decode)
  }

  /// The value as compact JSON, members in their order.
  public func encoded() -> [UInt8] {
    ByteWriter.bytes(expected: 256) { $0.value(self) }
  }
}

extension JSONObject {
  /// The object as compact JSON, members in their order.
  public func encoded() -> [UInt8] { JSONValue.object(self).encoded() }
}

extension Array where Element == UInt8 {
  /// `withUnsafeBytes` with a typed error; the standard one erases it.
  @inline(__always)
  func withBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(WireError) -> R
  ) throws(WireError) -> R {
    let result = withUnsafeBytes { buffer -> Result<R, WireError> in
      do throws(WireError) { return .success(try body(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
