// SPDX-License-Identifier: Apache-2.0

#if NIO
import NIOCore
import NIOWebSocket

/// Frames of the server: header and payload in one buffer, never masked.
enum ServerFrame {
  static func data(
    _ payload: ArraySlice<UInt8>, _ opcode: WebSocketOpcode, isLast: Bool,
    _ allocator: ByteBufferAllocator
  ) -> ByteBuffer {
    var buffer = frame(opcode, isLast: isLast, length: payload.count, allocator)
    buffer.writeBytes(payload)
    return buffer
  }

  static func ping(_ allocator: ByteBufferAllocator) -> ByteBuffer {
    frame(.ping, isLast: true, length: 0, allocator)
  }

  static func pong(_ data: ByteBuffer, _ allocator: ByteBufferAllocator) -> ByteBuffer {
    var buffer = frame(.pong, isLast: true, length: data.readableBytes, allocator)
    buffer.writeImmutableBuffer(data)
    return buffer
  }

  /// A close frame; the reason is at most 123 bytes.
  static func close(
    _ code: UInt16, _ reason: String, _ allocator: ByteBufferAllocator
  ) -> ByteBuffer {
    let text = CloseNotice(code: code, reason: reason).reason
    var buffer = frame(.connectionClose, isLast: true, length: 2 + text.utf8.count, allocator)
    buffer.writeInteger(code)
    buffer.writeString(text)
    return buffer
  }

  private static func frame(
    _ opcode: WebSocketOpcode, isLast: Bool, length: Int, _ allocator: ByteBufferAllocator
  ) -> ByteBuffer {
    var buffer = allocator.buffer(capacity: length + 10)
    buffer.writeInteger(UInt8(webSocketOpcode: opcode) | (isLast ? 0x80 : 0))
    switch length {
    case ..<126: buffer.writeInteger(UInt8(length))
    case ...0xFFFF: buffer.writeMultipleIntegers(UInt8(126), UInt16(length))
    default: buffer.writeMultipleIntegers(UInt8(127), UInt64(length))
    }
    return buffer
  }
}

/// Takes the mask off a client's frame while copying it to where the service reads it.
enum Unmasking {
  static func append(_ data: ByteBuffer, _ mask: WebSocketMaskingKey, to output: inout [UInt8]) {
    let start = output.count
    output.append(contentsOf: data.readableBytesView)
    var key: UInt64 = 0
    for index in 0..<8 { key |= UInt64(mask[index & 3]) << UInt64(index * 8) }
    output.withUnsafeMutableBytes { all in
      let bytes = UnsafeMutableRawBufferPointer(rebasing: all[start...])
      var index = 0
      while bytes.count - index >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        bytes.storeBytes(of: (word ^ key).littleEndian, toByteOffset: index, as: UInt64.self)
        index += 8
      }
      while index < bytes.count {
        bytes[index] ^= UInt8(truncatingIfNeeded: key >> UInt64((index & 7) * 8))
        index += 1
      }
    }
  }
}
#endif
