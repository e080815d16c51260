namespace Aevum.Vectors;

/// <summary>What one component of a stored vector is. The values are written into files and never change their meaning.</summary>
public enum ElementType : byte
{
    /// <summary>IEEE 754 binary32, 4 bytes.</summary>
    Float32 = 1,

    /// <summary>IEEE 754 binary16, 2 bytes: 11 bits of precision, at most 65,504.</summary>
    Float16 = 2,

    /// <summary>A whole number from -128 to 127, 1 byte.</summary>
    Int8 = 3,

    /// <summary>0 or 1. Component i is bit i % 8 (of value 1 &lt;&lt; i % 8) of byte i / 8; the bits after the last component are zero.</summary>
    Bit = 4,
}
