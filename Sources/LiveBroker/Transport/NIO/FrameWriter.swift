// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore

/// Writes the frames of a client: whole, and masked (RFC 6455, section 5.3).
enum FrameWriter {
  static func frame(
    _ opcode: FrameHeader.Opcode, _ payload: UnsafeRawBufferPointer, mask: UInt32
  ) -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: payload.count + 14)
    buffer.writeInteger(0x80 | opcode.rawValue)
    switch payload.count {
    case ...125: buffer.writeInteger(0x80 | UInt8(payload.count))
    case ...0xFFFF:
      buffer.writeInteger(UInt8(0x80 | 126))
      buffer.writeInteger(UInt16(payload.count))
    default:
      buffer.writeInteger(UInt8(0x80 | 127))
      buffer.writeInteger(UInt64(payload.count))
    }
    buffer.writeInteger(mask)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: payload.count) { output in
      copy(payload, to: output, masked: mask)
      return payload.count
    }
    return buffer
  }

  /// A close frame; the reason is cut to what fits, at the border of a character. A code that may
  /// not stand on the wire is sent as 1000.
  static func close(code: UInt16, reason: String, mask: UInt32) -> ByteBuffer {
    let code = FrameReader.isAllowed(code) ? code : 1000
    var payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
    for scalar in reason.unicodeScalars {
      guard payload.count + UTF8.width(scalar) <= 125 else { break }
      payload.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
    return payload.withUnsafeBytes { frame(.close, $0, mask: mask) }
  }

  /// Eight bytes at a time: the mask repeats every four.
  private static func copy(
    _ payload: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer, masked mask: UInt32
  ) {
    // The mask as it lies in memory, first byte first.
    let word = UInt64(mask.bigEndian) | UInt64(mask.bigEndian) << 32
    var index = 0
    while payload.count - index >= 8 {
      let bytes = payload.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      output.storeBytes(of: bytes ^ word, toByteOffset: index, as: UInt64.self)
      index += 8
    }
    while index < payload.count {
      output[index] =
        payload[index] ^ UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * (index & 3)))
      index += 1
    }
  }
}
#endif
