// SPDX-License-Identifier: Apache-2.0

import Foundation
import LiveBroker
import Testing

@testable import LiveBrokerDemo

@Suite struct RecordingTests {
  @Test func theBuiltInRecordingIsHalfAMinuteOfFramesThatAllDiffer() throws {
    let recording = try Recording.builtIn()
    #expect(recording.bytes.count == RecordedSpeech.byteCount)
    #expect(recording.frameCount == 1526)
    #expect(recording.uniqueFrameCount == 1526)
    #expect(recording.duration > .seconds(30))
  }

  @Test func aSecondPassGivesOtherFramesThanTheFirst() throws {
    let recording = try Recording.builtIn()
    let prints = recording.frames(from: 12_345, count: 3 * recording.frameCount)
      .map { FramePrint($0) }
    #expect(Set(prints).count == prints.count)
  }

  @Test func framesGoRoundTheEndWithoutAGap() throws {
    // 805 samples, each of them its own number.
    let samples = (0..<805).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let recording = try #require(Recording(pcm: samples))
    let spoken = recording.frames(from: 700, count: 10)
    #expect(spoken.allSatisfy { $0.count == 640 })
    let numbers = spoken.joined().map(Int.init)
    for index in 0..<3200 {
      #expect(numbers[2 * index] + 256 * numbers[2 * index + 1] == (700 + index) % 805)
    }
  }

  @Test func positionsAreTakenModuloTheLength() throws {
    let recording = try Recording.builtIn()
    let count = recording.sampleCount
    #expect(recording.frame(at: -1) == recording.frame(at: count - 1))
    #expect(recording.frame(at: 7 * count + 5) == recording.frame(at: 5))
    #expect(recording.position(after: count - 320) == 0)
    #expect(recording.positions(from: 9, count: 0).isEmpty)
    #expect(recording.positions(from: 0, count: 3) == [0, 320, 640])
  }

  @Test func framePrintsTellFramesApartByEveryByte() {
    var frame = [UInt8](repeating: 0, count: 640)
    var prints: Set = [FramePrint(frame)]
    for index in frame.indices {
      frame[index] = 1
      prints.insert(FramePrint(frame))
      frame[index] = 0
    }
    prints.insert(FramePrint(frame.dropLast()))
    #expect(prints.count == 642)
    #expect(FramePrint(frame[...]) == FramePrint(frame))
  }
}

@Suite struct WAVFileTests {
  private static let samples = (0..<1000).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }

  private static func number(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func chunk(_ name: String, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
    Array(name.utf8) + number(length ?? body.count, 4) + body
      + [UInt8](repeating: 0, count: body.count % 2)
  }

  private static func format(
    code: Int = 1, channels: Int = 1, rate: Int = 16_000, bits: Int = 16, more: [UInt8] = []
  ) -> [UInt8] {
    let frame = channels * bits / 8
    return chunk(
      "fmt ",
      number(code, 2) + number(channels, 2) + number(rate, 4) + number(rate * frame, 4)
        + number(frame, 2) + number(bits, 2) + more)
  }

  private static func file(_ chunks: [UInt8]..., form: String = "WAVE") -> [UInt8] {
    let body = Array(form.utf8) + chunks.joined()
    return Array("RIFF".utf8) + number(body.count, 4) + body
  }

  @Test(arguments: [
    file(format(), chunk("data", samples)),
    // Foreign parts before, between and behind, one of odd length.
    file(chunk("LIST", [1, 2, 3]), format(), chunk("fact", [0, 0, 0, 0]), chunk("data", samples)),
    file(format(), chunk("data", samples), chunk("id3 ", [9, 9, 9])),
    file(format(), chunk("data", samples)) + [1, 2, 3],
    // The extensible form, with the code for PCM at its end.
    file(
      format(code: 0xFFFE, more: number(22, 2) + number(16, 2) + number(4, 4) + number(1, 16)),
      chunk("data", samples)),
    // Written to a pipe: the length was not known.
    file(format(), chunk("data", samples, length: 0xFFFF_FFFF)),
    file(format(), chunk("data", samples, length: 0x7FFF_F000)),
  ])
  func aGoodFileIsRead(_ file: [UInt8]) throws {
    #expect(try WAVFile.recording(in: file).bytes == Self.samples)
  }

  @Test(arguments: [
    ([], "is empty"),
    (Array("RIFF".utf8), "is no WAV file: it ends after its first letters"),
    (Array("OggS....".utf8), "is no WAV file: it is Ogg"),
    (Array("ID3\u{4}......".utf8), "is no WAV file: it is MP3"),
    ([0, 0, 0, 24] + Array("ftypM4A ".utf8), "is no WAV file: it is MP4"),
    (Array("{\"a\":1}".utf8), "is no WAV file: it begins with '{\"a\"' instead of 'RIFF'"),
    ([1, 2], "is no WAV file: it begins with '..' instead of 'RIFF'"),
    (file(form: "AVI "), "is no WAV file: it is RIFF of the kind 'AVI '"),
    (file(), "is damaged: it has neither a format nor samples"),
    (file(format()), "is damaged: it has no samples"),
    (file(chunk("data", samples)), "is damaged: its samples come before its format"),
    (file(chunk("fmt ", [1, 0])), "is damaged: its format has 2 bytes instead of 16 or more"),
    (
      file(format(rate: 44_100)),
      "is PCM, 44100 Hz, 16 bit, mono; needed is PCM, 16000 Hz, 16 bit, mono"
    ),
    (
      file(format(channels: 2)),
      "is PCM, 16000 Hz, 16 bit, stereo; needed is PCM, 16000 Hz, 16 bit, mono"
    ),
    (
      file(format(bits: 8)),
      "is PCM, 16000 Hz, 8 bit, mono; needed is PCM, 16000 Hz, 16 bit, mono"
    ),
    (
      file(format(code: 3, channels: 6, bits: 32)),
      "is floating point, 16000 Hz, 32 bit, 6 channels; needed is PCM, 16000 Hz, 16 bit, mono"
    ),
    (
      file(format(code: 0xFFFE)),
      "is format 65534, 16000 Hz, 16 bit, mono; needed is PCM, 16000 Hz, 16 bit, mono"
    ),
    (
      file(format(), chunk("data", Array(samples.prefix(638)))),
      "is too short: 638 bytes of samples, and one frame has 640"
    ),
    (
      file(format(), chunk("data", Array(samples.prefix(1001)))),
      "is damaged: 1001 bytes are no whole number of 16-bit samples"
    ),
    (
      file(format(), chunk("data", samples, length: 4000)),
      "is cut off: its part 'data' should have 4000 bytes and has 2000"
    ),
    (
      file(chunk("LIST", [1, 2], length: 0xFFFF_FFFF)),
      "is cut off: its part 'LIST' should have 4294967295 bytes and has 2"
    ),
  ])
  func aBadFileIsRefusedWithWhatWasFound(_ file: [UInt8], _ message: String) {
    let error = #expect(throws: RecordingError.self) { try WAVFile.recording(in: file) }
    #expect(error?.message == message)
  }

  @Test func noDamageOfAFileReachesATrap() {
    var random = SplitMix64(seed: 7)
    let good = Self.file(
      Self.format(), Self.chunk("LIST", [1, 2, 3]), Self.chunk("data", Self.samples))
    for _ in 0..<5000 {
      var file = good.prefix(Int.random(in: 0...good.count, using: &random))
      for _ in 0..<Int.random(in: 0...6, using: &random) where !file.isEmpty {
        file[Int.random(in: 0..<min(80, file.count), using: &random)] = .random(
          in: 0...255, using: &random)
      }
      if let recording = try? WAVFile.recording(in: Array(file)) {
        #expect(recording.bytes.count >= Recording.frameBytes)
      }
    }
  }

  @Test func aFileOfTheUserIsFoundOrRefusedByName() throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "LiveBrokerDemo-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let good = folder.appending(path: "good.wav").path
    let bad = folder.appending(path: "bad.wav").path
    try Data(Self.file(Self.format(), Self.chunk("data", Self.samples))).write(
      to: URL(filePath: good))
    try Data("hello there".utf8).write(to: URL(filePath: bad))
    #expect(try Recording.load(.file(good))?.sampleCount == 1000)
    #expect(try Recording.load(.none) == nil)
    func message(_ path: String) -> String? {
      #expect(throws: RecordingError.self) { try Recording.load(.file(path)) }?.message
    }
    #expect(message(bad) == "'\(bad)' is no WAV file: it begins with 'hell' instead of 'RIFF'")
    #expect(message(folder.path) == "'\(folder.path)' is a directory")
    #expect(message(good + "x") == "there is no file '\(good)x'")
  }
}
